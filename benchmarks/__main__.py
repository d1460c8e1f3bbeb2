"""``python -m benchmarks NAME [--json] [--quick] [--file GGUF]``."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from benchmarks.report import Report, show

NAMES = (
    "engine",
    "mapping",
    "startup",
    "stream",
    "quality",
    "tools",
    "constrained",
    "http",
    "history",
    "window",
    "odd_texts",
)
WITH_FILES = ("engine", "quality")


def main(arguments: list[str] | None = None) -> None:
    """Run one benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure a part of Tether Desktop.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="a short form, under a minute")
    parser.add_argument("--file", action="append", type=Path, default=[], help="a GGUF model to measure too")
    options = parser.parse_args(arguments)
    if options.file and options.name not in WITH_FILES:
        parser.error(f"{options.name} takes no --file")
    files = {"files": options.file} if options.file else {}
    report: Report = importlib.import_module(f"benchmarks.{options.name}").run(quick=options.quick, **files)
    show(report, as_json=options.json)


if __name__ == "__main__":
    main()
