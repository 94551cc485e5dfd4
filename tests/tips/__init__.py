"""What a tip is, when it is settled, its one event, and the queue that carries it."""
