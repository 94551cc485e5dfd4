"""The second half of a round, for a worker that stood still after its claim."""

from lovense.sending import dispatch


def record(claimed, *, now):
    """For each claimed request its activation if it is to be sent now, else None."""
    seen = dispatch.look(claimed, now=now)
    sent = dispatch.keep([dispatch.decide(request, seen) for request in claimed], seen)
    rows = {request["_id"]: row for request, row in sent}
    return [rows.get(request["_id"]) for request in claimed]
