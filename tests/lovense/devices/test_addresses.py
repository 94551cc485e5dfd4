"""Which address of an app her own page may be handed: the vendor's names of private ones, and no other."""

import pytest

from lovense.devices import addresses
from lovense.devices.addresses import Address

PORTS = {"http": 34567, "https": 34568, "ws": None, "wss": None}
GOOD = "192-168-1-44.lovense.club"


def of(domain=GOOD, *, on_computer=False, **ports):
    return addresses.of(domain, PORTS | ports, is_on_computer=on_computer)


@pytest.mark.parametrize(
    "domain",
    [
        GOOD,
        "192.168.1.44.lovense.club",
        "10-0-0-1.lovense.club",
        "10.255.255.255.lovense.club",
        "172-16-0-1.lovense.club",
        "172.31.255.254.lovense.club",
        "192-168-0-0.lovense.club",
    ],
)
def test_a_private_address_by_the_vendors_name_is_handed_on(domain):
    assert of(domain) == Address(domain, {"http": 34567, "https": 34568})


HOSTILE_DOMAINS = [
    "8-8-8-8.lovense.club",
    "127-0-0-1.lovense.club",
    "127.0.0.1.lovense.club",
    "127-0-0-2.lovense.club",
    "169-254-169-254.lovense.club",
    "100-64-0-1.lovense.club",
    "172-15-0-1.lovense.club",
    "172-32-0-1.lovense.club",
    "192-169-0-1.lovense.club",
    "0-0-0-0.lovense.club",
    "255-255-255-255.lovense.club",
    "192-168-1-256.lovense.club",
    "192-168.1.44.lovense.club",
    "192.168-1-44.lovense.club",
    "192-168-01-44.lovense.club",
    "192-168-1-044.lovense.club",
    "010-0-0-1.lovense.club",
    "user@192-168-1-44.lovense.club",
    "192-168-1-44.lovense.club/path",
    "192-168-1-44.lovense.club:80",
    "https://192-168-1-44.lovense.club",
    "192-168-1-44.lovense.club.evil.example",
    "evil.example/192-168-1-44.lovense.club",
    "192-168-1-44.lovense.clubs",
    "192-168-1-44lovense.club",
    "192-168-1-44.lovense.club.",
    "192-168-1-44.lovense.club\n",
    "192-168-1-44.lovense.club%00",
    "192-168-1-44.lovense.club\u0001",
    "１９２-168-1-44.lovense.club",
    "٣-168-1-44.lovense.club",
    "192－168－1－44.lovense.club",
    "192-168-1-44.LOVENSE.CLUB",
    "192-168-1.lovense.club",
    "3232235820.lovense.club",
    "0xc0-0xa8-1-44.lovense.club",
    "fe80--1.lovense.club",
    "[::1]",
    "192.168.1.44",
    "localhost",
    " ",
    "a" * 300,
    "1" * 300 + ".lovense.club",
    ["192-168-1-44.lovense.club"],
    {"192-168-1-44.lovense.club": 1},
    5,
    True,
]


@pytest.mark.parametrize("domain", HOSTILE_DOMAINS, ids=lambda domain: ascii(domain)[:40])
def test_no_other_name_is_handed_on(domain):
    assert of(domain) == Address(is_refused=True)


HOSTILE_PORTS = [
    0,
    -1,
    65536,
    "80;",
    True,
    False,
    "",
    " 80",
    "080",
    "+80",
    "8e1",
    "８０",
    80.5,
    "65536",
    "9" * 300,
]


@pytest.mark.parametrize("port", HOSTILE_PORTS, ids=lambda port: ascii(port)[:20])
@pytest.mark.parametrize("name", addresses.PORTS)
def test_one_port_that_is_none_refuses_the_whole_address(name, port):
    assert of(**{name: port}) == Address(is_refused=True)


@pytest.mark.parametrize("port", [1, 65535, "1", "65535"])
def test_a_port_is_a_number_or_its_digits(port):
    assert of(wss=port).ports["wss"] == int(port)


@pytest.mark.parametrize("domain", [None, ""])
def test_where_no_address_is_named_none_is_refused(domain):
    assert of(domain, http=0) == Address()


# --- the same machine --------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["127-0-0-1.lovense.club", "127.0.0.1.lovense.club"])
def test_an_app_on_a_computer_may_be_on_the_one_of_her_page(domain):
    assert of(domain, on_computer=True).domain == domain


@pytest.mark.parametrize(
    "domain", ["127-0-0-2.lovense.club", "169-254-1-1.lovense.club", "8-8-8-8.lovense.club"]
)
def test_an_app_on_a_computer_may_name_no_other_machine_more_than_a_phone(domain):
    assert of(domain, on_computer=True) == Address(is_refused=True)


@pytest.mark.parametrize(
    ("app_type", "platform", "is_one"),
    [
        ("remote", "pc", True),
        ("", "PC", True),
        ("pc", "", True),
        ("connect", "windows", True),
        ("remote", "macOS", True),
        ("remote", "android", False),
        ("remote", "ios", False),
        ("connect", "", False),
        ("", "pc-like", False),
    ],
)
def test_what_calls_itself_a_computer(app_type, platform, is_one):
    assert addresses.is_computer(app_type, platform) is is_one
