"""The IP address of a request's client, with and without proxies."""

from ipaddress import ip_network

import pytest

from app.web.client_ips import ClientIPs, to_client_network, to_ip
from app.web.requests import read_headers


def find(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8", "::1/128")) -> str | None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    scope = {"type": "http", "client": (peer, 1234) if peer else None, "headers": headers}
    return ClientIPs([ip_network(each) for each in trusted]).find(scope, read_headers(scope))


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
        # Headers from other peers are ignored.
        ("192.0.2.9", ("203.0.113.7",), "192.0.2.9"),
        ("unix", ("203.0.113.7",), "unix"),
        (None, ("203.0.113.7",), None),
    ],
)
def test_forwarded_ips_count_from_trusted_proxies_only(
    peer: str | None, forwarded: tuple[str, ...], found: str | None
) -> None:
    assert find(peer, *forwarded) == found


def test_without_trusted_proxies_only_the_socket_counts() -> None:
    assert find("127.0.0.1", "203.0.113.7", trusted=()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("unix", "unknown"),
    ],
)
def test_ipv6_network_of_one_customer_is_one_client(ip: str | None, network: str) -> None:
    assert to_client_network(ip) == network


def test_text_that_is_no_ip_is_none() -> None:
    assert to_ip("1.2.3.4.5") is None
    assert to_ip("[::1") == "::1"
    assert to_ip("") is None
