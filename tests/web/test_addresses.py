"""Where a request comes from, and whose word about it counts."""

from ipaddress import ip_network

import pytest

from app.web.addresses import Addresses, to_address, to_caller
from app.web.requests import read_headers


def client(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8", "::1/128")) -> str | None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    scope = {"type": "http", "client": (peer, 1234) if peer else None, "headers": headers}
    return Addresses([ip_network(each) for each in trusted]).client(scope, read_headers(scope))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1, 203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("198.51.100.1", "203.0.113.7"), "203.0.113.7"),
        ("10.0.0.1", ("203.0.113.7, 10.0.0.2",), "203.0.113.7"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
        ("10.0.0.1", ("203.0.113.7:5123",), "203.0.113.7"),
        ("10.0.0.1", ("[2001:db8::1]:5123",), "2001:db8::1"),
        ("10.0.0.1", ("::ffff:203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.7, nonsense, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("::1", ("203.0.113.7",), "203.0.113.7"),
        # Nobody else is believed.
        ("192.0.2.9", ("203.0.113.7",), "192.0.2.9"),
        ("unix", ("203.0.113.7",), "unix"),
        (None, ("203.0.113.7",), None),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_only(
    peer: str | None, forwarded: tuple[str, ...], found: str | None
) -> None:
    assert client(peer, *forwarded) == found


def test_without_trusted_proxies_the_socket_is_all_that_counts() -> None:
    assert client("127.0.0.1", "203.0.113.7", trusted=()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("unix", "unknown"),
    ],
)
def test_an_ipv6_network_of_one_customer_counts_as_one(address: str | None, caller: str) -> None:
    assert to_caller(address) == caller


def test_what_is_no_address_is_none() -> None:
    assert to_address("1.2.3.4.5") is None
    assert to_address("[::1") == "::1"
    assert to_address("") is None
