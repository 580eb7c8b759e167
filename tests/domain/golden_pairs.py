"""Payloads that identity providers send, and the claims that the service reads from each of them.

For each strategy, `normalizers/<strategy>.payloads.json` and `normalizers/<strategy>.claims.json` map a case to its value.
"""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "normalizers"


def _read(strategy: str, kind: str) -> dict[str, dict[str, Any]]:
    pairs: dict[str, dict[str, Any]] = json.loads((_FOLDER / f"{strategy}.{kind}.json").read_text())
    return pairs


# Pairs of a strategy and the name of a case.
CASES = [
    (strategy, case)
    for strategy in (path.name.removesuffix(".payloads.json") for path in sorted(_FOLDER.glob("*.payloads.json")))
    for case in _read(strategy, "payloads")
]


def payload_of(strategy: str, case: str) -> dict[str, Any]:
    return _read(strategy, "payloads")[case]


def claims_of(strategy: str, case: str) -> dict[str, Any]:
    return _read(strategy, "claims")[case]
