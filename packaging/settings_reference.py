"""Writes docs/settings.md from the settings table, so that the two cannot disagree."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from tether_desktop.settings import Settings

TARGET = Path(__file__).resolve().parent.parent / "docs/settings.md"
INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from tether_desktop/settings.py; change that, never this. -->

Settings are kept in `settings.json` in the data folder, which `.venv/bin/tether doctor` shows. An environment variable
goes before the file: for one start, or for a machine where nobody opens the window.

| Setting | In `settings.json` | Variable | Default | What it does |
|---|---|---|---|---|
"""
DATA_FOLDER = """
One variable is no setting, since it says where the settings are: `TETHER_DATA_DIR` moves the database, the logs and the
settings to another folder, for instance onto a stick.
"""


def reference() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(map(_row, Settings.model_fields, Settings.model_fields.values())) + DATA_FOLDER


def _row(name: str, field: FieldInfo) -> str:
    cells = (field.title or "", f"`{name}`", f"`{_variable(field)}`", _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _variable(field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)


def _default(field: FieldInfo) -> str:
    return "empty" if field.default == "" else f"`{field.default}`"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
