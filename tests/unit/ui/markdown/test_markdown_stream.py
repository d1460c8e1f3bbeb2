"""Markdown that grows: the result never depends on how it was cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument

from tether_desktop.ui.look.tokens import DARK, LIGHT
from tether_desktop.ui.markdown import markdown_stream
from tether_desktop.ui.markdown.block_builder import MOST_CODE_LINES, MOST_ROWS
from tether_desktop.ui.markdown.blocks import Line, Table
from tether_desktop.ui.markdown.document_formats import formats
from tether_desktop.ui.markdown.document_writer import ZERO_WIDTH_SPACE
from tether_desktop.ui.markdown.markdown_stream import MOST_STEP_LINES, MarkdownStream

PIECES = [
    *(
        "# ",
        "## ",
        "- ",
        "* ",
        "1. ",
        "2) ",
        "> ",
        "- [ ] ",
        "- [x] done\n",
        "---",
        "===",
        "    ",
        "  ",
        "\t",
        "\n",
        "\n\n",
    ),
    *("```", "```python\n", "~~~\n", "def f(x):\n", "| a | b |\n", "|---|--:|\n", "| 1 | 2 |\n", "|", "`", "``", "**"),
    *("*", "_", "~~", "[a](http://x.org)", "[a]", "[a]: http://x.org\n", "![i](http://x.org/i.png)", "http://x.org/y"),
    *("<b>", "&amp;", "\\", "é", "😀", "\u202e", "\r\n", "\r", "\u2028", "\u2029", "\x00", "word ", "two words"),
    *("$", "$$", "$$\n", "\\(", "\\)", "\\[", "\\]\n", "x^2", "\\frac{1}{2}", "+ y\n", "5"),
    *("\t", "\n", "\n\n"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)

EVERYTHING = """# Title
Some **bold** words, *italic* ones, ~~gone~~ ones and `code`, over
two lines with [a link](https://example.org).

- one
- two

  still two
  1. inner
     ```python
     def f(x):
         return f"{x}"
     ```
> said
> - and done

| a | b |
|---|--:|
| 1 | **2** |

| second | table |
|---|---|
- [x] done
- [ ] open

---
the end"""


def new_stream() -> tuple[QTextDocument, MarkdownStream]:
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setTextWidth(600)
    assert document.documentLayout() is not None  # without one, a document does not tell what changes
    stream = MarkdownStream(document, formats(LIGHT))
    return document, stream


def show_all(stream: MarkdownStream, text: str, *, complete: bool = True) -> None:
    stream.show(text, complete=complete)
    while stream.pending:
        stream.show(text, complete=complete)


def fed(text: str, cuts: list[int]) -> tuple[QTextDocument, MarkdownStream]:
    document, stream = new_stream()
    for cut in sorted({cut % (len(text) + 1) for cut in cuts}):
        show_all(stream, text[:cut], complete=False)
        assert_shown(stream)
    show_all(stream, text)
    return document, stream


def assert_shown(stream: MarkdownStream) -> None:
    """The document says what the blocks say, each in its own place."""
    for index, block in enumerate(stream.writer.blocks):
        if isinstance(block, Line):
            assert stream.writer.text_block(index).text().replace(ZERO_WIDTH_SPACE, "") == block.text
        else:
            grid = stream.writer.table(index)
            assert (grid.rows(), grid.columns()) == (len(block.rows), len(block.alignments))
            for row, cells in enumerate(block.rows):
                for column, cell in enumerate(cells):
                    shown = grid.cellAt(row, column).firstCursorPosition().block().text()
                    assert shown == "".join(span.text for span in cell)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_any_way_of_cutting_a_text_gives_the_same_document(text: str, cuts: list[int]) -> None:
    document, stream = fed(text, cuts)
    whole_document, whole = new_stream()
    show_all(whole, text)
    assert_shown(stream)
    assert stream.writer.blocks == whole.writer.blocks
    assert document.toPlainText() == whole_document.toPlainText()
    assert document.size() == whole_document.size()


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_a_text_with_everything_in_it_grows_to_the_same_document(step: int) -> None:
    document, stream = fed(EVERYTHING, list(range(0, len(EVERYTHING), step)))
    whole_document, whole = new_stream()
    show_all(whole, EVERYTHING)
    assert stream.writer.blocks == whole.writer.blocks
    assert document.toHtml() == whole_document.toHtml()


def test_what_is_settled_is_not_written_again() -> None:
    document, stream = new_stream()
    stream.show("# one\n\ntwo\n\nthree\n\nfour", complete=False)
    changed: list[int] = []
    document.contentsChange.connect(lambda position, _removed, _added: changed.append(position))
    assert stream.show("# one\n\ntwo\n\nthree\n\nfour and more", complete=False) == 3
    assert min(changed) >= document.toPlainText().index("four")


def test_completing_a_text_that_was_streamed_changes_nothing() -> None:
    document, stream = fed(EVERYTHING, list(range(0, len(EVERYTHING), 5)))
    touched: list[int] = []
    document.contentsChange.connect(lambda position, _removed, _added: touched.append(position))
    stream.show(EVERYTHING, complete=True)
    assert touched == []


def test_a_link_defined_at_the_end_reaches_back_when_the_text_is_complete() -> None:
    _, stream = fed("See [the notes].\n\nMore.\n\n[the notes]: https://example.org/n\n", [10, 20, 30])
    links = [span.link for block in stream.writer.blocks if isinstance(block, Line) for span in block.spans]
    assert "https://example.org/n" in links


def test_another_text_replaces_the_one_before() -> None:
    document, stream = new_stream()
    stream.show("first\n\nsecond", complete=True)
    stream.show("other", complete=True)
    assert document.toPlainText() == "other"
    stream.show("", complete=True)
    assert document.toPlainText() == ""
    assert stream.writer.blocks == []


def test_a_huge_text_is_shown_step_by_step_and_its_rest_is_counted() -> None:
    text = "a line of words\n\n" * 20_000
    document, stream = new_stream()
    assert stream.show(text, complete=True) >= 0
    assert stream.pending
    show_all(stream, text)
    omitted = len(text) - markdown_stream.LONGEST_SHOWN
    assert f"{omitted:,} more characters" in document.toPlainText()[-200:]


@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "word " * 20_000, "\n".join("  " * depth + "- x" for depth in range(100)), "> " * 300 + "deep"],
    ids=["one line", "one paragraph", "nested lists", "nested quotations"],
)
def test_extreme_texts_are_shown_completely(text: str) -> None:
    document, stream = new_stream()
    show_all(stream, text)
    shown = document.toPlainText()
    wanted = [character for character in text if character in "xwordep"]
    assert [character for character in shown if character in "xwordep"] == wanted


def test_another_theme_keeps_the_text_and_takes_the_colours() -> None:
    document, stream = fed(EVERYTHING, [100, 200])
    before = document.toPlainText()
    stream.writer.restyle(formats(DARK))
    assert document.toPlainText() == before
    assert DARK.colors.text in document.toHtml()
    assert LIGHT.colors.text not in document.toHtml()
    assert_shown(stream)


def test_a_table_that_grows_row_by_row_stays_one_table() -> None:
    _, stream = new_stream()
    text = "| a | b |\n|---|---|\n"
    for row in range(5):
        text += f"| {row} | x |\n"
        stream.show(text, complete=False)
        assert_shown(stream)
    assert [type(block) for block in stream.writer.blocks] == [Table]


def test_a_table_that_grows_is_not_written_again() -> None:
    document, stream = new_stream()
    text = "| a | b |\n|---|---|\n| one | **x** |\n"
    stream.show(text, complete=False)
    grid = stream.writer.table(0)
    first = grid.cellAt(1, 0).firstCursorPosition().position()
    changed: list[int] = []
    document.contentsChange.connect(lambda position, _removed, _added: changed.append(position))
    stream.show(text + "| two | y |\n| three", complete=False)
    assert stream.writer.table(0) is grid
    assert grid.rows() == 4
    assert min(changed) > first


def code_lines_of(stream: MarkdownStream) -> Iterator[str]:
    return (block.text for block in stream.writer.blocks if isinstance(block, Line) and block.kind == "code")


def test_long_code_shows_its_beginning_and_keeps_every_line() -> None:
    lines = [f"value_{number} = {number}" for number in range(MOST_CODE_LINES + 100)]
    text = "```python\n"
    _, stream = new_stream()
    for line in lines:
        text += line + "\n"
        stream.show(text, complete=False)
    for shown in (text, text + "```\n"):
        stream.show(shown, complete=True)
        *beginning, rest = code_lines_of(stream)
        assert beginning == lines[:MOST_CODE_LINES]
        assert rest == f"Show all {len(lines)} lines"
        last = stream.writer.blocks[-1]
        assert isinstance(last, Line)
        assert last.whole == "\n".join(lines)


def long_table(rows: int) -> str:
    return "| a | b |\n|---|--:|\n" + "".join(f"| {row} | **x** |\n" for row in range(rows))


LONG_PIECES = {
    "code": "before\n\n```python\n" + 'x = """\n' * 500 + "```\nafter\n\n- a\n",
    "code that never ends": "~~~\n" + "`x`\n" * 500 + "~~",
    "a table": "before\n\n" + long_table(MOST_ROWS + 50) + "\nafter",
    "a table and a heading": long_table(MOST_ROWS + 50) + "# after\n\nit",
    "a table of 200 rows": long_table(MOST_ROWS) + "\nafter",
    "lines of one word": "word\n" * 3_000 + "\nafter",
    "blank lines": "\n" * 5_000 + "after\n" + "\n" * 5_000,
    "one line": "x" * 50_000,
    "a list without end": "- item\n" * 8_000,
    "quotations": "> said\n" * 8_000 + "\nafter",
}


@pytest.mark.parametrize("name", LONG_PIECES)
def test_long_pieces_are_the_same_however_they_are_cut(name: str) -> None:
    text = LONG_PIECES[name]
    _, stream = fed(text, list(range(0, len(text), max(1, len(text) // 20))))
    _, whole = new_stream()
    show_all(whole, text)
    assert stream.writer.blocks == whole.writer.blocks


@pytest.mark.parametrize("name", LONG_PIECES)
def test_no_step_writes_more_than_a_window_can_bear(name: str) -> None:
    text = LONG_PIECES[name]
    _, stream = new_stream()
    before = 0
    while True:
        stream.show(text, complete=True)
        assert len(stream.writer.blocks) - before <= MOST_STEP_LINES + MOST_ROWS
        before = len(stream.writer.blocks)
        if not stream.pending:
            return
