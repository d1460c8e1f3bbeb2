"""Tells a program that is about to be built where releases are told of, and whose signature counts; plain Python.

    python packaging/update_channel.py --url https://example.org/updates/ --page https://example.org/releases

The signatures that count are those of ``packaging/updates/root.json``, which ``update_repository.py init`` has made.
Without that file the program is built without an address, and says so when it is asked for updates.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRUSTED = ROOT / "packaging/updates/root.json"
TARGET = ROOT / "resources/updates"


def main(arguments: list[str]) -> int:
    """Write both files, or say that there are none to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the folder with the signed metadata")
    parser.add_argument("--page", required=True, help="where people can look for themselves")
    chosen = parser.parse_args(arguments)
    if not TRUSTED.is_file():
        print(f"{TRUSTED} is not there: this program will have no address to ask for updates.")
        return 0
    write_channel(TARGET, TRUSTED, chosen.url, chosen.page)
    return 0


def write_channel(target: Path, trusted: Path, url: str, page: str) -> None:
    """Write what the program reads as its channel."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(trusted, target / "root.json")
    told = {"url": url, "page": page}
    (target / "channel.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
