"""Virtual devices: the same socket, the same messages, no toy."""
