"""Trusted documents: operations that a deployment knows, asked for by the SHA-256 of their text."""

import os
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
    """Every `.graphql` file in `folder` and its subfolders, by id.

    OSError for a folder or file that cannot be read. ValueError for a file that is not UTF-8.
    """
    # rglob finds nothing in a folder that does not exist or cannot be read.
    with os.scandir(folder):
        texts = [_read(path) for path in sorted(folder.rglob("*.graphql"))]
    return {document_id(text): text.decode() for text in texts}


def _read(path: Path) -> bytes:
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError:
        raise ValueError(f"holds {path.name}, which is not UTF-8") from None
    return text
