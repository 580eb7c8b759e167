"""The size of a JSON value, and the marker that replaces a value that is too large to be stored."""

import json
from typing import Any


def compact(value: Any) -> str:
    """Returns the value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def size_of(value: Any) -> int:
    """Returns the size of the value in bytes, as compact JSON in UTF-8. All limits on JSON values use this size."""
    return len(compact(value).encode("utf-8", "surrogatepass"))


def too_large(size: int) -> dict[str, Any]:
    """Returns the marker for a value of `size` bytes."""
    return {"too_large": True, "bytes": size}


def marked(value: Any, limit: int) -> Any:
    """Returns the value, or a marker when it has more than `limit` bytes."""
    size = size_of(value)
    return value if size <= limit else too_large(size)
