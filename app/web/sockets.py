"""Opens the socket that the service listens on. All workers share it."""

import errno
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, gaierror, socket

from app.settings import ConfigurationError


def open_socket(host: str, port: int) -> socket:
    """Returns a bound socket, on which uvicorn listens later. Raises ConfigurationError for a wrong host or port.

    The socket is opened before the database starts, so that a port that is in use is reported at once.
    """
    opened = socket(AF_INET6 if ":" in host else AF_INET)
    # Without this option, a restart could not use the port while connections of the old process time out.
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
        problem = f"port {port} of {host} is in use: stop the program that uses it, or choose another port"
    elif error.errno == errno.EACCES:
        problem = f"this user may not listen on port {port}: choose a port above 1023"
    else:
        problem = f"cannot listen on {host}, port {port} ({error.strerror})"
    return f"PROFILE_API_PORT (--port): {problem}."
