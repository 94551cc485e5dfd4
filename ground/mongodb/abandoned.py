"""Transactions whose process was killed in the middle.

MongoDB keeps their locks until `transactionLifetimeLimitSeconds` is over (a minute by default, and
as much again until it looks), and everything that needs the same rows waits: every settlement does,
since the event log has one head. So a process that starts in the place of a dead one ends what that
one left open. A transaction ended by mistake is simply run again."""

from ground.mongodb.collections import client


def end(slot: str) -> int:
    """Aborts the open transactions of processes in this slot (their connections carry its name);
    how many there were.

    Asks only for sessions of our own database user, which takes no privilege. Call it before any
    transaction of one's own."""
    admin = client().admin
    idle = {"$currentOp": {"allUsers": False, "idleSessions": True}}
    left = admin.aggregate(
        [idle, {"$match": {"type": "idleSession", "appName": slot}}, {"$project": {"lsid.id": 1}}]
    )
    sessions = [row["lsid"] for row in left]
    if sessions:
        admin.command("killSessions", sessions)
    return len(sessions)
