"""How a reply gets onto stdout: as it comes, or as coloured Markdown on a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from tether_desktop.cli.output import safe, write

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live
    from rich.markdown import Markdown

_FRAME_S = 0.08
"""Seconds between two drawings of the block that is being written: more often flickers, and costs time."""


class Pen(Protocol):
    """Writes a reply.

    Attributes:
        open: whether it stands within a line.
    """

    open: bool

    def write(self, text: str) -> None:
        """Write more of the reply."""
        ...

    def end(self) -> None:
        """Write what is still held back, and end the line."""
        ...


def pen() -> Pen:
    """The pen for what stdout is: Markdown only where it is a terminal that can move its cursor."""
    if sys.stdout.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}:
        return MarkdownPen()
    return PlainPen()


class PlainPen:
    """Writes text as it comes."""

    def __init__(self) -> None:
        self.open = False

    def write(self, text: str) -> None:
        """Write more."""
        text = safe(text)
        write(text)
        self.open = not text.endswith("\n") if text else self.open

    def end(self) -> None:
        """End the line."""
        if self.open:
            write("\n")
        self.open = False


class MarkdownPen:
    """Draws finished blocks of Markdown for good, and the one that is being written again and again below them."""

    def __init__(self, console: Console | None = None, *, frame_s: float = _FRAME_S) -> None:
        """Take a console, or make one of stdout, which keeps to NO_COLOR and to the terminal's width."""
        from rich.console import Console as RichConsole

        self.open = False
        self._console = console or RichConsole(file=sys.stdout, highlight=False)
        self._text = ""
        self._live: Live | None = None
        self._frame_s = frame_s
        self._drawn = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._wrote_block = False

    def write(self, text: str) -> None:
        """Write more."""
        self._text += safe(text)
        if not self._text.strip():
            return
        self.open = True
        wait = self._drawn + self._frame_s - time.monotonic()
        if wait <= 0:
            self._draw()
        elif self._timer is None:
            self._timer = _later(wait, self._draw)

    def end(self) -> None:
        """Draw what is left for good."""
        self._stop_timer()
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._text.strip():
            self._print(blocks(self._text))
        self._text, self.open, self._wrote_block = "", False, False

    def _draw(self) -> None:
        self._stop_timer()
        self._drawn = time.monotonic()
        *finished, self._text = blocks(self._text)
        live = self._live_region()
        if finished:
            live.update(_Tail(""))
            self._print(finished)
        live.update(_Tail(self._text, spaced=self._wrote_block), refresh=True)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _live_region(self) -> Live:
        from rich.live import Live as RichLive

        if self._live is None:
            self._live = RichLive(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="visible",
            )
            self._live.start()
        return self._live

    def _print(self, finished: list[str]) -> None:
        for block in finished:
            if self._wrote_block:
                self._console.print()
            self._console.print(markdown(block))
            self._wrote_block = True


class _Tail:
    """The last lines of a block, as many as the terminal can hold: what scrolls away cannot be drawn again."""

    def __init__(self, text: str, *, spaced: bool = False) -> None:
        self._text, self._spaced = text, spaced

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        if not self._text.strip():
            return
        lines = console.render_lines(markdown(self._text), options.update(height=None), pad=False)
        room = max(1, console.height - 2)
        if self._spaced and len(lines) < room:
            yield Segment.line()
        for number, line in enumerate(lines[-room:]):
            if number:
                yield Segment.line()
            yield from line


def _later(seconds: float, draw: Callable[[], None]) -> asyncio.TimerHandle | None:
    """Draw when a model that pauses has not written more by then; without a loop, its next words do."""
    try:
        return asyncio.get_running_loop().call_later(seconds, draw)
    except RuntimeError:
        return None


def markdown(text: str) -> Markdown:
    """Markdown for a terminal: addresses are shown and nothing is a link, HTML is text, pictures are their names."""
    from rich.markdown import Markdown as RichMarkdown

    shown = RichMarkdown(text, hyperlinks=False)
    shown.parsed = _parser().parse(text)
    return shown


def blocks(text: str) -> list[str]:
    """Markdown as its blocks, each with what follows up to the next; only the last of them can still change."""
    starts = [token.map[0] for token in _parser().parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    # Not splitlines, for which there are more ends of lines than there are in Markdown.
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return ["".join(lines[start:end]) for start, end in pairwise([0, *starts[1:], None])]


def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
