"""Writes docs/settings.md from the settings table, so that the two cannot disagree."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.settings import SettingRow, setting_rows

TARGET = Path(__file__).resolve().parent.parent / "docs/settings.md"
INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from tether_desktop/settings.py; change that, never this. -->

Settings are kept in `settings.json` in the data folder, which `.venv/bin/tether doctor` shows. An environment variable
goes before the file: for one start, or for a machine where nobody opens the window.

| Setting | In `settings.json` | Variable | Default | Takes | What it does |
|---|---|---|---|---|---|
"""
DATA_FOLDER = """
Some variables are no settings, since they are needed before the settings are read. `TETHER_DATA_DIR` moves the
database, the logs and the settings to another folder, for instance onto a stick. `TETHER_LOG_LEVEL`,
`TETHER_LOG_FORMAT` and `TETHER_LOG_STDERR` say what the log keeps, how, and whether stderr gets it too:
[monitoring](monitoring.md).
"""


def reference() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(map(_line, setting_rows())) + DATA_FOLDER


def _line(row: SettingRow) -> str:
    default = "empty" if row.default == "" else f"`{row.default}`"
    cells = (row.title, f"`{row.name}`", f"`{row.env}`", default, row.allowed, row.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
