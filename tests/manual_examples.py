"""The examples of README and of the manual."""

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import app
from app.web.manual_pages import SOURCES

README = Path(app.__file__).parents[1] / "README.md"
PAGES = [README, *sorted(SOURCES.glob("*.md"))]
# A block in one of these languages shows an answer or output.
ANSWERS = ("json", "text")


@dataclass(frozen=True)
class Example:
    """A block of code, and the block directly after it that shows its answer or output."""

    language: str
    text: str
    answer: str | None


def examples(page: Path) -> list[Example]:
    text = page.read_text()
    blocks = list(re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    found = []
    for block, after in zip_longest(blocks, blocks[1:]):
        is_answered = after and after[1] in ANSWERS and not text[block.end() : after.start()].strip()
        found.append(Example(block[1], block[2], after[2] if after and is_answered else None))
    return found
