"""The text of a message as a widget."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tether_desktop.ui.look import theme
from tether_desktop.ui.look.tokens import DARK, LIGHT
from tether_desktop.ui.markdown.blocks import Line
from tether_desktop.ui.markdown.decorations import Bar, Marker, Rule
from tether_desktop.ui.markdown.document_formats import CODE_HEADER
from tether_desktop.ui.markdown.markdown_body import MarkdownBody

MIXED = "Words\n\n- one\n  1. two\n\n> said\n\n---\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nend"


@pytest.fixture
def body(qtbot: QtBot) -> MarkdownBody:
    """A body that is shown, 400 wide."""
    widget = MarkdownBody()
    qtbot.addWidget(widget)
    return widget


def show(body: MarkdownBody, text: str, width: int = 400) -> int:
    body.show_markdown(text, complete=True)
    height = body.fit(width)
    body.resize(width, height)
    body.show()
    return height


def select(body: MarkdownBody, start: int, end: int) -> str:
    cursor = body.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    body.setTextCursor(cursor)
    return body.createMimeDataFromSelection().text()


def select_all(body: MarkdownBody) -> str:
    return select(body, 0, body.document().characterCount() - 1)


def test_a_narrower_text_is_higher(body: MarkdownBody) -> None:
    text = "some words " * 50
    assert show(body, text, 200) > show(body, text, 400) > 20


def test_nothing_makes_the_text_wider_than_its_place(body: MarkdownBody) -> None:
    show(body, "x" * 500, 300)
    assert body.document().size().width() <= 300
    assert body.side_scroll.pieces == []


LONG_LINE = "```python\n" + "y" * 500 + "\nshort\n```"
WIDE_TABLE = "| " + "z" * 60 + " | b | " + "w" * 60 + " |\n|---|---|---|\n| 1 | 2 | 3 |\n"


@pytest.mark.parametrize(("text", "what"), [(LONG_LINE, "code"), (WIDE_TABLE, "table")])
def test_what_is_too_wide_is_scrolled_where_it_stands(body: MarkdownBody, text: str, what: str) -> None:
    height = show(body, "before\n\n" + text + "\n\nafter", 300)
    (piece,) = body.side_scroll.pieces
    bar = body.side_scroll.bar(piece)
    assert piece.what == what
    assert piece.rect.right() <= 300
    assert bar.maximum() == piece.most > 100
    assert 0 < bar.y() < height
    body.side_scroll.scroll_by(piece, 60)
    assert body.side_scroll.offset(piece) == 60
    inside = QPointF(piece.rect.center())
    assert body.side_scroll.mapped(inside) == inside + QPointF(60, 0)
    assert body.side_scroll.mapped(QPointF(5, 5)) == QPointF(5, 5)
    assert body.horizontalScrollBar().value() == 0


def test_a_scrolled_piece_stays_where_it_is_while_the_text_grows(body: MarkdownBody) -> None:
    body.show_markdown(LONG_LINE + "\n\nmore", complete=False)
    body.fit(300)
    (piece,) = body.side_scroll.pieces
    body.side_scroll.scroll_by(piece, 60)
    body.show_markdown(LONG_LINE + "\n\nmore and more", complete=False)
    assert [body.side_scroll.offset(each) for each in body.side_scroll.pieces] == [60]


def test_long_lines_of_code_can_go_on_in_the_next_line(body: MarkdownBody) -> None:
    before = show(body, LONG_LINE, 300)
    body.tools.wrap_buttons[0].click()
    assert body.side_scroll.pieces == []
    assert body.fit(300) > before
    assert not body.tools.wrap_buttons[0].isHidden()
    body.tools.wrap_buttons[0].click()
    assert body.fit(300) == before


def test_code_can_be_saved(body: MarkdownBody, qtbot: QtBot) -> None:
    show(body, LONG_LINE, 300)
    with qtbot.waitSignal(body.save_requested) as saved:
        body.tools.save_buttons[0].click()
    assert saved.args == ["y" * 500 + "\nshort", "python"]


def test_all_of_what_is_shown_in_part_is_a_link_away(body: MarkdownBody, qtbot: QtBot) -> None:
    code = "\n".join(map(str, range(10_000)))
    text = f"```c\n{code}\n```"
    show(body, text, 300)
    while body.pending:
        body.show_markdown(text, complete=True)
    (link,) = [span.link for block in body.blocks if isinstance(block, Line) for span in block.spans if span.link]
    with qtbot.waitSignal(body.whole_requested) as asked:
        body.anchorClicked.emit(QUrl(link))
    assert asked.args == [code, "c"]
    body.tools.copy_buttons[0].click()
    assert QGuiApplication.clipboard().text() == code


def test_what_stands_for_something_else_is_copied_as_it_was_written(body: MarkdownBody) -> None:
    text = "a $x^2$ b\u202ec 😀 $y$"
    show(body, text)
    assert body.toPlainText() == "a x² bU+202Ec 😀 y"
    assert select_all(body) == text
    show(body, "```\nz = '\u200b'\n```")
    body.tools.copy_buttons[0].click()
    assert QGuiApplication.clipboard().text() == "z = '\u200b'"


def test_the_same_width_lays_nothing_out_again(body: MarkdownBody) -> None:
    show(body, MIXED)
    laid_out: list[object] = []
    body.document().documentLayout().update.connect(laid_out.append)
    body.fit(400)
    assert laid_out == []


def test_every_block_has_its_decoration_in_its_place(body: MarkdownBody) -> None:
    height = show(body, MIXED)
    items = body.decorations
    assert [item.text for item in items if isinstance(item, Marker)] == ["•", "1."]
    assert len([item for item in items if isinstance(item, Bar)]) == 1
    assert len([item for item in items if isinstance(item, Rule)]) == 1
    (card,) = body.code_cards()
    assert (card.language, card.text(body.blocks)) == ("python", "x = 1")
    tops = [item.rect.top() for item in items]
    assert tops == sorted(tops)
    assert all(0 <= item.rect.top() < item.rect.bottom() <= height for item in items)


def test_decorations_that_grew_are_those_of_the_whole(qtbot: QtBot, body: MarkdownBody) -> None:
    body.fit(400)
    for end in range(len(MIXED)):
        body.show_markdown(MIXED[:end], complete=False)
    body.show_markdown(MIXED, complete=True)
    whole = MarkdownBody()
    qtbot.addWidget(whole)
    show(whole, MIXED)
    assert body.decorations == whole.decorations


BEFORE_CODE = ["", "words\n\n", "| a |\n|---|\n| 1 |\n\n", "```\nx\n```\n\n", "- a\n\n", "> b\n\n"]


@pytest.mark.parametrize("before", BEFORE_CODE)
def test_code_has_room_for_its_header_whatever_comes_before(body: MarkdownBody, before: str) -> None:
    code, after = "```python\nx = 1\n```", "\n\n| after |\n|---|\n"
    above = show(body, before) if before else 0
    show(body, before + code + after)
    card = body.code_cards()[-1].rect
    line = body.document().find("x = 1").block()
    after_top = body.document().documentLayout().blockBoundingRect(body.document().find("after").block()).top()
    assert card.top() >= above
    assert card.top() + CODE_HEADER <= body.document().documentLayout().blockBoundingRect(line).top()
    assert card.bottom() < after_top


def test_code_at_the_end_has_room_for_its_card(body: MarkdownBody) -> None:
    height = show(body, "a\n\n```\nx\n```")
    assert body.code_cards()[0].rect.bottom() <= height


def test_the_copy_button_of_code_copies_that_code(qtbot: QtBot, body: MarkdownBody) -> None:
    show(body, "```\nfirst\n```\n\n```python\ndef f():\n\treturn 1\n```")
    first, second = body.copy_buttons
    assert second.geometry().intersects(body.code_cards()[1].rect.toRect())
    qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "def f():\n\treturn 1"
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "first"


def test_tabs_in_code_are_four_columns_wide(body: MarkdownBody) -> None:
    show(body, "```\n\tx\n    x\n```", 500)
    tab, spaces = (body.document().findBlockByNumber(number).layout().lineAt(0) for number in (1, 2))
    assert tab.cursorToX(1)[0] == pytest.approx(spaces.cursorToX(4)[0], abs=0.5)


def test_copy_buttons_go_with_their_code(body: MarkdownBody) -> None:
    show(body, "```\na\n```\n\n```\nb\n```")
    show(body, "```\na\n```")
    assert len(body.copy_buttons) == 1


def test_a_selection_is_copied_with_markers_and_blank_lines(body: MarkdownBody) -> None:
    show(body, MIXED)
    assert select_all(body) == ("Words\n\n• one\n    1. two\n\nsaid\n\n---\n\nx = 1\n\na\tb\n1\t2\n\nend")


def test_a_part_of_a_line_is_copied_without_its_marker(body: MarkdownBody) -> None:
    show(body, "- one two 😀\n- three")
    assert select(body, 4, 10) == "two 😀"
    assert select(body, 4, 16) == "two 😀\n• three"


def test_line_breaks_are_copied_as_such(body: MarkdownBody) -> None:
    show(body, "a\nb")
    assert select_all(body) == "a\nb"


def test_one_cell_of_a_table_is_copied_alone(body: MarkdownBody) -> None:
    show(body, "| a | b |\n|---|---|\n| one | 2 |")
    start = body.document().find("one").selectionStart()
    assert select(body, start, start + 3) == "one"


def test_streaming_keeps_a_selection_in_what_is_settled(body: MarkdownBody) -> None:
    body.fit(400)
    body.show_markdown("one\n\ntwo\n\nthree", complete=False)
    select(body, 0, 3)
    body.show_markdown("one\n\ntwo\n\nthree and four\n\nfive", complete=False)
    assert body.has_selection()
    assert body.textCursor().selectedText() == "one"


@pytest.mark.parametrize(
    "name", ["file:///etc/passwd", "/etc/hostname", "//host/share/x.png", "https://example.org/x.png", "qrc:/x"]
)
def test_no_resource_is_ever_loaded(body: MarkdownBody, name: str) -> None:
    for kind in QTextDocument.ResourceType:
        assert body.loadResource(kind.value, QUrl(name)) is None


def test_a_clicked_link_is_told_and_not_opened(qtbot: QtBot, body: MarkdownBody) -> None:
    show(body, "[words](https://example.org/a%20b?c=d)")
    with qtbot.waitSignal(body.link_activated) as followed:
        qtbot.mouseClick(body.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(15, 8))
    assert followed.args == ["https://example.org/a%20b?c=d"]
    assert body.toPlainText() == "words"


def test_links_say_where_they_lead(body: MarkdownBody) -> None:
    show(body, "[https://bank.example](https://evil.example)")
    assert body.cursorForPosition(QPoint(15, 8)).charFormat().toolTip() == "https://evil.example"


def test_wheel_and_scroll_keys_are_left_to_the_conversation(qtbot: QtBot, body: MarkdownBody) -> None:
    show(body, "a\n\n" * 20)
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(body.viewport(), wheel)
    assert not wheel.isAccepted()


def test_a_theme_colours_everything_anew(body: MarkdownBody, look: theme.Appearance) -> None:
    show(body, MIXED)
    look.choose("dark")
    body.restyle()
    assert DARK.colors.text in body.document().toHtml()
    picture, card = body.grab().toImage(), body.code_cards()[0].rect
    assert picture.pixelColor(round(card.center().x()), round(card.top()) + 8).name() == DARK.colors.code


def test_thoughts_are_muted(qtbot: QtBot) -> None:
    body = MarkdownBody(muted=True)
    qtbot.addWidget(body)
    show(body, "thought")
    assert LIGHT.colors.muted in body.document().toHtml()


def test_typed_text_is_as_wide_as_its_longest_line(body: MarkdownBody) -> None:
    body.show_typed("short\na longer line")
    body.fit(400)
    assert 60 < body.natural_width() < 200


@pytest.mark.parametrize(
    ("item", "from_right"), [("פריט", True), ("**مثال** one", True), ("one פריט", False), ("1", False)]
)
def test_markers_and_quotation_bars_stand_where_their_line_begins(
    body: MarkdownBody, item: str, from_right: bool
) -> None:
    show(body, f"- {item}\n  1. {item}\n\n> {item}\n")
    marks = [each for each in body.decorations if isinstance(each, Marker | Bar)]
    assert len(marks) == 3
    assert [each.rect.center().x() > 200 for each in marks] == [from_right] * 3
    outer, inner = marks[0].rect.center().x(), marks[1].rect.center().x()
    assert (inner < outer) == from_right


def test_a_line_that_turns_out_to_be_from_the_right_is_written_anew_while_it_streams(body: MarkdownBody) -> None:
    body.fit(400)
    text = "- 1. שלום עולם"
    for end in range(1, len(text) + 1):
        body.show_markdown(text[:end], complete=False)
    (*_, line) = body.blocks
    assert isinstance(line, Line)
    assert line.right_to_left
    block = body.document().lastBlock()
    assert block.textDirection() == Qt.LayoutDirection.RightToLeft
    assert block.blockFormat().rightMargin() > block.blockFormat().leftMargin()


def test_code_is_from_the_left_in_any_window(body: MarkdownBody) -> None:
    text = "```python\nשלום = 1\n```"
    show(body, text)
    before = body.grab().toImage()
    body.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    show(body, text)
    for buttons in (body.tools.copy_buttons, body.tools.save_buttons):
        assert buttons[0].x() > 300
    assert body.grab().toImage() == before
