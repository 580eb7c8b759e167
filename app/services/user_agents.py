"""What a user agent says of itself: browser, system, and whether it is a phone's."""

from dataclasses import dataclass
from functools import lru_cache

from ua_parser import parse

_MOBILE = ("Android", "iOS", "Windows Phone", "BlackBerry OS", "KaiOS")


@dataclass(frozen=True, slots=True)
class Agent:
    """`name` is for people: Firefox on Linux."""

    name: str | None
    is_mobile: bool | None


@lru_cache(maxsize=1024)
def read_user_agent(text: str | None) -> Agent:
    """Nothing is guessed of what is not known."""
    if not text:
        return Agent(None, None)
    found = parse(text)
    browser = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    name = f"{browser} on {system}" if browser and system else browser or system
    return Agent(name, None if system is None else system in _MOBILE)
