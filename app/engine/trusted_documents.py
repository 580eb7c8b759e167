"""Trusted documents: operations that the operator has approved. Clients name them by the SHA-256 of their text."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trust:
    """The approved documents, by id, and the mode: "off" runs texts, "prefer" texts and ids, "require" only ids."""

    mode: str = "off"
    documents: Mapping[str, str] = field(default_factory=dict)


def document_id(text: bytes) -> str:
    """Returns the `documentId` of a file: "sha256:" and 64 hexadecimal digits."""
    # The hash is of the bytes as they are: any normalization would differ from what clients compute with sha256sum.
    return f"sha256:{sha256(text).hexdigest()}"


def read_documents(folder: Path) -> dict[str, str]:
    """Returns the text of each `.graphql` file in `folder` and its subfolders, by id.

    Raises OSError for a folder or file that cannot be read, and ValueError for a file that is not UTF-8.
    """
    # rglob returns nothing for a folder that does not exist or cannot be read: scandir raises OSError first.
    with os.scandir(folder):
        texts = [_read(path) for path in sorted(folder.rglob("*.graphql"))]
    return {document_id(text): text.decode() for text in texts}


def _read(path: Path) -> bytes:
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError:
        raise ValueError(f"contains {path.name}, which is not UTF-8") from None
    return text
