"""The ground we stand on: the database through Django, and what every request and log line has in common."""
