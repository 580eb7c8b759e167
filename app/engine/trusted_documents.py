"""Trusted documents: operations that a deployment knows, asked for by the SHA-256 of their text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trust:
    """Which documents run. The mode off accepts no ids, prefer accepts ids and texts, require accepts ids only."""

    mode: str = "off"
    documents: Mapping[str, str] = field(default_factory=dict)


def document_id(text: bytes) -> str:
    """As `documentId` has it: `sha256:` and 64 hexadecimal digits, of the file's bytes as they are."""
    return f"sha256:{sha256(text).hexdigest()}"


def read_documents(folder: Path) -> dict[str, str]:
    """Every `.graphql` file in and below `folder`, by id. OSError where it can't be read, ValueError for no UTF-8."""
    texts = [path.read_bytes() for path in sorted(folder.rglob("*.graphql"))]
    return {document_id(text): text.decode() for text in texts}
