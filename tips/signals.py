"""What tips announce to the floors above. Senders are doors; nothing is lost if nobody listens: the
beat finds the rows."""

from django.dispatch import Signal

requests_queued = Signal()  # performer_ids: set[str] whose queues grew
