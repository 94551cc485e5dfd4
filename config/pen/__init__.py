"""The pen: the one process that writes the journal."""
