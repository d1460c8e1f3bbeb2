"""Tables as text for other programs, and the buttons at them."""

from __future__ import annotations

import csv
import io

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown.blocks import Table
from tether_desktop.ui.markdown.markdown_body import MarkdownBody
from tether_desktop.ui.markdown.parser import parse
from tether_desktop.ui.markdown.table_text import as_csv, as_tabs, table_rows

TABLE = 'Words\n\n| a | b |\n|---|---|\n| 1,5 | **x** "y" |\n| p \\| q | `c` |\n'
ROWS = [["a", "b"], ["1,5", 'x "y"'], ["p | q", "c"]]


@pytest.fixture
def body(qtbot: QtBot) -> MarkdownBody:
    widget = MarkdownBody()
    qtbot.addWidget(widget)
    return widget


def show(body: MarkdownBody, text: str) -> None:
    body.show_markdown(text, complete=True)
    body.resize(400, body.fit(400))
    body.show()


def point_at(body: MarkdownBody, place: QPointF) -> None:
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, place, place, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(body.viewport(), move)


def press(qtbot: QtBot, body: MarkdownBody, name: str) -> str:
    assert body.table_tools.bar is not None
    (button,) = [each for each in body.table_tools.bar.findChildren(IconButton) if each.accessibleName() == name]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    return QGuiApplication.clipboard().text()


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def table_of(text: str) -> tuple[list[list[str]], Table]:
    blocks = parse(text)
    index = next(number for number, block in enumerate(blocks) if isinstance(block, Table))
    table = blocks[index]
    assert isinstance(table, Table)
    return table_rows(blocks, index), table


def test_cells_are_quoted_where_they_need_it() -> None:
    rows, _ = table_of(TABLE)
    assert rows == ROWS
    assert read(as_csv(rows)) == ROWS
    assert as_tabs([["a b", "c\nd"], ["e", ""]]) == "a b\tc d\ne\t"


@pytest.mark.parametrize("quote", ["", "> "])
def test_of_a_table_that_is_shown_in_part_all_is_copied(quote: str) -> None:
    lines = ["| n | m |", "|---|---|", *(f"| {number} | p \\| q |" for number in range(3_000))]
    rows, table = table_of("\n".join(quote + line for line in lines))
    assert len(table.rows) < 3_001 == len(rows)
    assert rows[0] == ["n", "m"]
    assert rows[-1] == ["2999", "p | q"]


def test_the_table_under_the_pointer_is_copied(qtbot: QtBot, body: MarkdownBody) -> None:
    show(body, TABLE + "\nbetween\n\n| z |\n|---|\n| 9 |\n")
    tables = [number for number, block in enumerate(body.blocks) if isinstance(block, Table)]
    rects = [body._stream.writer.table_rect(number) for number in tables]
    point_at(body, QPointF(5, 5))
    assert body.table_tools.bar is None
    point_at(body, rects[0].center())
    assert body.table_tools.bar is not None
    assert read(press(qtbot, body, "Copy as CSV")) == ROWS
    assert press(qtbot, body, "Copy table").startswith("a\tb\n1,5\t")
    point_at(body, rects[1].center())
    assert read(press(qtbot, body, "Copy as CSV")) == [["z"], ["9"]]
    assert read(body.table_tools.all_as_csv()) == [*ROWS, [], ["z"], ["9"]]
    point_at(body, QPointF(5, 5))
    assert not body.table_tools.bar.isVisible()


def test_the_buttons_go_when_the_tables_become_others_or_the_pointer_leaves(body: MarkdownBody) -> None:
    show(body, TABLE)
    place = body._stream.writer.table_rect(len(body.blocks) - 1).center()
    point_at(body, place)
    assert body.table_tools.bar is not None
    assert body.table_tools.bar.isVisible()
    show(body, "No table")
    assert not body.table_tools.bar.isVisible()
    show(body, TABLE)
    point_at(body, place)
    assert body.table_tools.bar.isVisible()
    QApplication.sendEvent(body.viewport(), QEvent(QEvent.Type.Leave))
    assert not body.table_tools.bar.isVisible()
