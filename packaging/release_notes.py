"""Prints what the changelog says of a version, for the page of its release; needs nothing but Python.

python packaging/release_notes.py 1.2.3
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def main(arguments: list[str]) -> int:
    """Print it; 1 where the changelog has nothing of that version."""
    (version,) = arguments
    notes = notes_of(version, CHANGELOG.read_text(encoding="utf-8"))
    if not notes:
        print(f"CHANGELOG.md has no part on {version}.", file=sys.stderr)
        return 1
    print(notes)
    return 0


def notes_of(version: str, changelog: str) -> str:
    """The part on a version, without its heading; empty where there is none."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)
    found = next((part for part in parts if part.startswith((f"[{version}]", f"{version} ", f"{version}\n"))), "")
    text = found.partition("\n")[2]
    # Addresses that the headings lead to stand at the end of the file.
    return re.split(r"^\[[^]]+\]: ", text, flags=re.MULTILINE)[0].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
