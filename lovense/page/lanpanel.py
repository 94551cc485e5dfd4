"""What her Live page needs where it tells her toys itself, over her own network: whom it may call,
and what else she may choose. No other page may call anybody but this site."""

from dataclasses import dataclass

from lovense import bridges
from lovense.devices import addresses, hosts
from lovense.models import Performer

# The vendor's names of private addresses; the port is the app's own choice.
NAMES = "https://*.lovense.club:*"


@dataclass(frozen=True, slots=True)
class LanPanel:
    """`may_call`: for `connect-src`. The addresses behind the names are listed one by one, since a
    policy has no pattern for them: one that changes is callable once the page is loaded anew."""

    may_call: list[str]
    offers_server: bool


def of(performer: Performer) -> LanPanel | None:
    """None: her toys are told by another path."""
    if performer.bridge not in bridges.told_in_slices_by_pages():
        return None
    where = map(hosts.address_of, hosts.of(performer.performer_id))
    known = sorted({http for each in where if (http := addresses.local_http(each))})
    return LanPanel([NAMES, *known], bridges.find(bridges.STANDARD_SERVER) is not None)
