"""The socket that the service listens on: opened before any other step, and shared by all workers."""

import errno
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, gaierror, socket

from app.settings import ConfigurationError


def open_socket(host: str, port: int) -> socket:
    """Bound, and listened on by uvicorn later. ConfigurationError when the host or port cannot be used."""
    opened = socket(AF_INET6 if ":" in host else AF_INET)
    opened.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except (OSError, UnicodeError) as error:
        opened.close()
        raise ConfigurationError(_describe(error, host, port)) from None
    opened.set_inheritable(True)
    return opened


def _describe(error: OSError | UnicodeError, host: str, port: int) -> str:
    if isinstance(error, gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL:
        return f"PROFILE_API_HOST (--host): {host} is not an IP address of this machine. Use 127.0.0.1 or 0.0.0.0."
    if error.errno == errno.EADDRINUSE:
        problem = f"port {port} of {host} is in use: stop what uses it, or choose another port"
    elif error.errno == errno.EACCES:
        problem = f"this user may not listen on port {port}: choose one above 1023"
    else:
        problem = f"cannot listen on {host}, port {port} ({error.strerror})"
    return f"PROFILE_API_PORT (--port): {problem}."
