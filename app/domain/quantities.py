"""How numbers are written in messages."""


def quantity(number: int, unit: str) -> str:
    """`1 second`, `2 seconds`, `2 aliases`."""
    ending = "" if number == 1 else "es" if unit.endswith("s") else "s"
    return f"{number} {unit}{ending}"
