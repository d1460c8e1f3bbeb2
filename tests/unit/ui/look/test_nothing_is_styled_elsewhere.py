"""Colours, fonts and distances come from ``ui/look`` and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tether_desktop import ui

ROOT = Path(ui.__file__).parent
STYLING = frozenset(("setStyleSheet", "setPointSize", "setPointSizeF", "setPixelSize"))
DISTANCES = frozenset(("setContentsMargins", "setSpacing", "setHorizontalSpacing", "setVerticalSpacing", "addSpacing"))
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}")


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call of a method outside the room of the look: where it is, its name, itself."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.is_relative_to(ROOT / "look"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                yield f"{path.relative_to(ROOT)}:{node.lineno}", name, node


def numbers(call: ast.Call) -> list[int]:
    return [
        each.value
        for argument in call.args
        for each in ast.walk(argument)
        if isinstance(each, ast.Constant) and type(each.value) is int and each.value
    ]


def test_no_widget_has_a_style_or_a_font_size_of_its_own() -> None:
    assert [where for where, name, _ in calls() if name in STYLING] == []


def test_layouts_use_the_steps_of_empty_space() -> None:
    assert [where for where, name, call in calls() if name in DISTANCES and numbers(call)] == []


def test_no_colour_is_written_down() -> None:
    written = [
        where
        for where, name, call in calls()
        if name == "QColor"
        for each in call.args
        if isinstance(each, ast.Constant) and COLOR.fullmatch(str(each.value))
    ]
    assert written == []
