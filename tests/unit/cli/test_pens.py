"""How replies are drawn: Markdown in finished blocks, and nothing in it that a terminal would obey."""

from __future__ import annotations

import asyncio
from io import StringIO
from random import Random

import pytest
from rich.console import Console

from tests.helpers.terminal_screen import shown_on
from tether_desktop.cli.pens import MarkdownPen, PlainPen, blocks, markdown, pen

TEXT = (
    "# Head\n\nSome **bold** words.\n\n- one\n- two\n\n```py\nx = 1\n\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)


def console(width: int = 40, height: int = 12, **options: object) -> tuple[Console, StringIO]:
    written = StringIO()
    fixed = {"force_terminal": True, "width": width, "height": height, "highlight": False, **options}
    return Console(file=written, _environ={"TERM": "xterm"}, **fixed), written  # type: ignore[arg-type]


def drawn(text: str, *, step: int = 3, width: int = 40, height: int = 12) -> list[str]:
    """The lines of a terminal, scrolled ones included, after a text has come in pieces that were all drawn."""
    screen, written = console(width, height)
    writing = MarkdownPen(screen, frame_s=0)
    for start in range(0, len(text), step):
        writing.write(text[start : start + step])
    writing.end()
    return shown_on(written.getvalue(), height)


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_however_a_reply_comes_the_terminal_shows_the_same(step: int) -> None:
    assert drawn(TEXT, step=step) == drawn(TEXT, step=len(TEXT))


def test_a_block_longer_than_the_terminal_is_shown_once_and_whole() -> None:
    text = "```\n" + "".join(f"line {number}\n" for number in range(40)) + "```\n"
    lines = [line.strip() for line in drawn(text, step=9)]
    assert [line for line in lines if line] == [f"line {number}" for number in range(40)]


def test_blocks_are_cut_where_nothing_before_can_change() -> None:
    assert blocks("one\n\ntwo") == ["one\n\n", "two"]
    assert blocks("one\ntwo") == ["one\ntwo"]
    assert blocks("```\na\n\nb") == ["```\na\n\nb"]
    assert blocks("- a\n\n- b\n") == ["- a\n\n- b\n"]
    assert blocks("a\u2028b\n\nc") == ["a\u2028b\n\n", "c"]
    assert "".join(blocks(TEXT)) == TEXT
    assert len(blocks(TEXT)) == 5


def test_nothing_becomes_a_link_a_picture_or_lost_html() -> None:
    screen, written = console(width=120)
    screen.print(markdown("[here](https://e.org) ![cat](https://e.org/cat.png) <b>so</b>\n\n<script>x</script>\n"))
    assert "\x1b]8" not in written.getvalue()
    for shown in ("here", "https://e.org", "cat", "<b>so</b>", "<script>x</script>"):
        assert shown in written.getvalue()


def test_control_sequences_of_a_reply_are_drawn_as_signs() -> None:
    screen, written = console()
    writing = MarkdownPen(screen, frame_s=0)
    writing.write("a\x1b]0;title\x07b \x9b2J `\x1b[31mred`\n")
    writing.end()
    assert "\x1b]0" not in written.getvalue()
    assert "\x9b" not in written.getvalue()
    assert "\x07" not in written.getvalue()
    assert "\x1b[31m" not in written.getvalue()


PIECES = [
    *(
        "# ",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "```",
        "```py\n",
        "|a|b|\n|-|-|\n",
        "**",
        "*",
        "[x](http://y)",
        "![i](u)",
        "<b>",
    ),
    *(
        "> ",
        "\x1b[2J",
        "\u2028",
        "\u65e5\u672c",
        "\U0001f600",
        "\t",
        "word ",
        "---\n",
        "~~",
        "\\",
        "[/red]",
        "`",
        "\x85",
    ),
]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_model_writes_is_drawn_and_harmless(seed: int) -> None:
    chosen = Random(seed)
    screen, written = console(width=chosen.choice([1, 5, 20, 80]), height=chosen.choice([3, 24]))
    writing = MarkdownPen(screen, frame_s=0)
    for _ in range(25):
        writing.write(chosen.choice(PIECES))
    writing.end()
    assert "\x1b[2J" not in written.getvalue()
    assert "\x1b]" not in written.getvalue()
    assert not writing.open


def test_colours_are_left_out_where_nobody_wants_them() -> None:
    written = StringIO()
    plain = Console(file=written, force_terminal=True, width=40, _environ={"TERM": "xterm", "NO_COLOR": "1"})
    writing = MarkdownPen(plain, frame_s=0)
    writing.write("```py\nx = 1\n```\n")
    writing.end()
    assert not any(f"\x1b[{colour}" in written.getvalue() for colour in (*range(30, 50), *range(90, 98)))


def test_piped_and_dumb_terminals_get_text_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(pen(), PlainPen)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(pen(), PlainPen)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(pen(), MarkdownPen)


async def test_what_a_model_wrote_before_it_pauses_is_drawn() -> None:
    screen, written = console()
    writing = MarkdownPen(screen, frame_s=0.01)
    writing.write("So")
    writing.write(" far")
    # Timers of one loop go off in the order of their times.
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, later.set)
    await later.wait()
    assert "So far" in written.getvalue()
    writing.end()
    assert shown_on(written.getvalue(), 12) == ["So far", ""]
