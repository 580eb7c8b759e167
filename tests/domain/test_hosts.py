"""Which host names and IP addresses are loopback."""

import pytest

from app.domain.hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_loopback_host_is_recognized(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com", "localhost.example.com", ""])
def test_any_other_host_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)
