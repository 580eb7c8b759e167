"""Records that refuse every change, for tests of data that requests share."""

from typing import Any, NoReturn


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("A record was changed.")


class FrozenDict(dict[str, Any]):
    """A dict that raises AssertionError on every change."""

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse


class FrozenList(list[Any]):
    """A list that raises AssertionError on every change."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = extend = insert = _refuse
    pop = remove = sort = reverse = clear = _refuse


def freeze(value: Any) -> Any:
    """Returns a copy that cannot be changed at any depth."""
    if isinstance(value, dict):
        return FrozenDict({name: freeze(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList(freeze(each) for each in value)
    return value
