"""The web processes among themselves: what they say to each other."""
