"""Where a request comes from: the socket's other end, or what a trusted proxy says of it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from app.settings import Network
from app.web.requests import Headers

# What proxies and content delivery networks add, besides X-Forwarded-*.
FORWARDED = frozenset(
    (
        b"cf-connecting-ip",
        b"cf-connecting-ipv6",
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"forwarded",
        b"forwarded-for",
        b"forwarded-for-ip",
        b"true-client-ip",
        b"via",
        b"x-appengine-user-ip",
        b"x-azure-clientip",
        b"x-azure-socketip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-forwarded",
        b"x-original-forwarded-for",
        b"x-original-host",
        b"x-originating-ip",
        b"x-proxyuser-ip",
        b"x-real-ip",
        b"x-remote-addr",
        b"x-remote-ip",
    )
)


class Addresses:
    """Takes X-Forwarded-For from the given networks and from nobody else."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._forwarded = lru_cache(maxsize=4096)(self._find)

    def client(self, scope: Scope, headers: Headers) -> str | None:
        """The client's IP; None where the socket has none."""
        client = scope.get("client")
        if not client:
            return None
        if not self._trusted:
            return str(client[0])
        return self._forwarded(str(client[0]), headers.get("x-forwarded-for", ""))

    def _find(self, peer: str, forwarded: str) -> str:
        """From the right, each named by the next: the first that is no trusted proxy. Behind it anything may stand."""
        found = peer
        for each in reversed(forwarded.split(",")):
            if not self._is_trusted(found):
                break
            address = to_address(each.strip())
            if address is None:
                break
            found = address
        return found

    def _is_trusted(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._trusted)


def to_address(text: str) -> str | None:
    """An IP, of a port or brackets beside it nothing is kept; an IPv4 address in IPv6 is the IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def is_forwarded(names: Iterable[bytes]) -> bool:
    """Whether one of these header names, in lower case, says that a proxy passed the request on."""
    return any(each in FORWARDED or each.startswith(b"x-forwarded-") for each in names)


def is_loopback_peer(scope: Scope) -> bool:
    """Whether the other end of the socket is on this machine. False when the server does not know it."""
    client = scope.get("client")
    address = to_address(str(client[0])) if client else None
    return address is not None and ip_address(address).is_loopback


@lru_cache(maxsize=4096)
def to_caller(address: str | None) -> str:
    """What is counted as one: an IPv4 address, or an IPv6 /64, of which one customer has all."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)
