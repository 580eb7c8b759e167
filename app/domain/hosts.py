"""Host names and IP addresses: which of them are this machine."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """`host` is a name or an IP address, with or without brackets."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
