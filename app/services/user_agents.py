"""User agents: reads browser and operating system from a User-Agent header, and whether it is a mobile device."""

from dataclasses import dataclass
from functools import lru_cache

from ua_parser import parse

_MOBILE = ("Android", "iOS", "Windows Phone", "BlackBerry OS", "KaiOS")


@dataclass(frozen=True, slots=True)
class Agent:
    """A browser. `name` is for people, for example "Firefox on Linux". None means unknown."""

    name: str | None
    is_mobile: bool | None


@lru_cache(maxsize=1024)
def read_user_agent(text: str | None) -> Agent:
    """Returns the browser that this text describes. Unknown parts are None."""
    if not text:
        return Agent(None, None)
    found = parse(text)
    browser = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    name = f"{browser} on {system}" if browser and system else browser or system
    return Agent(name, None if system is None else system in _MOBILE)
