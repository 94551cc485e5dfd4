"""Where a call comes from, at doors that are open to anybody: which address counts as one caller.
Pure."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address


def source_of(peer: str, forwarded: str) -> bytes:
    """Tells one caller's address from another's; of IPv6 its network, which is one caller's whole.

    Whoever hosts this himself has one proxy before it, which would be everybody's source: it is
    believed where it says whom it speaks for, last, since what comes before is the caller's own
    word. From anywhere else that header is only the caller's."""
    found = _address(peer)
    if found is None or found.is_loopback or found.is_private:
        found = _address(forwarded.rpartition(",")[2].strip()) or found
    if found is None:  # a socket of this machine, and nothing said
        return b""
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped.packed if found.ipv4_mapped else found.packed[:8]
    return found.packed


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
