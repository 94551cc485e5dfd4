"""The whole system in the foreground: databases from wheels, the processes that serve, and the
supervisor that keeps them.

Nothing here imports Django: the supervisor has to start before any database runs, and to stay small
beside what it keeps."""
