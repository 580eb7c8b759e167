"""Finds the IP address of the client: the peer of the socket, or the IP address that a trusted proxy names."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from app.domain.hosts import canonical_ip, is_loopback
from app.settings import Network
from app.web.requests import Headers

# The headers that proxies and content delivery networks add, in addition to X-Forwarded-*.
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


class ClientIPs:
    """Uses X-Forwarded-For only if the request comes from one of the `trusted` networks.

    Any client can send this header. If it were always used, a client could avoid the limits of its IP address.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._forwarded = lru_cache(maxsize=4096)(self._last_untrusted)

    def find(self, scope: Scope, headers: Headers) -> str | None:
        """Returns the IP address of the client, or None when the socket has no IP address."""
        client = scope.get("client")
        if not client:
            return None
        if not self._trusted:
            return str(client[0])
        return self._forwarded(str(client[0]), headers.get("x-forwarded-for", ""))

    def _last_untrusted(self, peer: str, forwarded: str) -> str:
        """Returns the first IP address from the right that is not a trusted proxy. The client can forge all others."""
        found = peer
        for each in reversed(forwarded.split(",")):
            if not self._is_trusted(found):
                break
            ip = to_ip(each.strip())
            if ip is None:
                break
            found = ip
        return found

    def _is_trusted(self, ip: str) -> bool:
        try:
            parsed = ip_address(ip)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def to_ip(text: str) -> str | None:
    """Returns the IP address in a text such as `[::1]:80`, without brackets and port, or None if there is none.

    An IPv4 address that is mapped into IPv6 becomes the IPv4 address, so that one client has one IP address.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return canonical_ip(text)
    except ValueError:
        return None


def is_forwarded(names: Iterable[bytes]) -> bool:
    """Returns whether one of these header names, in lower case, shows that a proxy forwarded the request."""
    return any(each in FORWARDED or each.startswith(b"x-forwarded-") for each in names)


def is_loopback_peer(scope: Scope) -> bool:
    """Returns whether the client is on this machine. Returns False when the server does not know the client."""
    client = scope.get("client")
    ip = to_ip(str(client[0])) if client else None
    return ip is not None and is_loopback(ip)


@lru_cache(maxsize=4096)
def to_client_network(ip: str | None) -> str:
    """Returns what rate limits count as one client: an IPv4 address, or an IPv6 network with a 64-bit prefix.

    Internet providers assign such a network to one customer, who could use a new IP address for each request.
    """
    try:
        parsed = ip_address(ip or "")
    except ValueError:
        return "unknown"
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
