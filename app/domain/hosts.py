"""Host names and IP addresses: recognizes those of the machine itself, and gives IP addresses one form."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address is loopback. An IPv6 address may be in brackets."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def canonical_ip(text: str) -> str:
    """Returns the IP address in canonical form. Raises ValueError when the text is not an IP address.

    An IPv4 address that is mapped into IPv6 becomes the IPv4 address, so that one client has one IP address.
    """
    found = ip_address(text)
    return str(getattr(found, "ipv4_mapped", None) or found)
