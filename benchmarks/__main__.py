"""``python -m benchmarks NAME [--json] [--quick]``."""

from __future__ import annotations

import argparse
import importlib

from benchmarks.report import Report, show

NAMES = ("engine", "startup", "stream")


def main(arguments: list[str] | None = None) -> None:
    """Run one benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure a part of Tether Desktop.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="a short form, under a minute")
    options = parser.parse_args(arguments)
    report: Report = importlib.import_module(f"benchmarks.{options.name}").run(quick=options.quick)
    show(report, as_json=options.json)


if __name__ == "__main__":
    main()
