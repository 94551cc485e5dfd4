"""Virtual devices: the same socket, the same messages, and toys that exist in memory only."""
