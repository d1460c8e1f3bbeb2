"""Writes SHA256SUMS of everything in a folder, as `sha256sum --check` reads it; needs nothing but Python.

python packaging/checksums.py FOLDER
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

NAME = "SHA256SUMS"


def main(arguments: list[str]) -> int:
    """Write it into the folder that is named."""
    (folder,) = map(Path, arguments)
    (folder / NAME).write_text(of_folder(folder), encoding="utf-8", newline="\n")
    return 0


def of_folder(folder: Path) -> str:
    """A line for each file of a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != NAME)
    return "".join(f"{_digest(path)}  {path.name}\n" for path in files)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
