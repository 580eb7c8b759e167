"""How large a JSON value is, and the marker that stands for a value that is too large to be kept."""

import json
from typing import Any


def compact(value: Any) -> str:
    """The value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def size_of(value: Any) -> int:
    """The bytes that the value takes as compact JSON in UTF-8. All limits on JSON values are measured like this."""
    return len(compact(value).encode("utf-8", "surrogatepass"))


def too_large(size: int) -> dict[str, Any]:
    """The marker for a value of `size` bytes."""
    return {"too_large": True, "bytes": size}


def marked(value: Any, limit: int) -> Any:
    """The value, or a marker when it takes more than `limit` bytes."""
    size = size_of(value)
    return value if size <= limit else too_large(size)
