"""What the ledger announces to the floors above. Receivers only look again: what they find in the
ledger decides."""

from django.dispatch import Signal

entries_posted = Signal()  # source_refs: set[str] of transfers that were posted
entries_reversed = Signal()  # source_refs: set[str] of transfers that were taken back
