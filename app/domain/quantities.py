"""Numbers with units in messages."""


def quantity(number: int, unit: str) -> str:
    """Returns the number with the singular or plural of its unit: `1 second`, `2 seconds`, `2 aliases`."""
    # Enough for the units in the messages of this service; it is not a general rule of English.
    ending = "" if number == 1 else "es" if unit.endswith("s") else "s"
    return f"{number} {unit}{ending}"
