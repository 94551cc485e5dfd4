"""The pen: the process that writes the journal, and what the others say to it."""
