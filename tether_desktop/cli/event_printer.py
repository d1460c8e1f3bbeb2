"""Prints a turn's events: for people as they would read them, for programs as NDJSON."""

from __future__ import annotations

import json
import sys

from tether_desktop.cli.call_lines import call_line, result_line
from tether_desktop.cli.output import ProgressLine, note, safe, tell, write
from tether_desktop.cli.pens import Pen, PlainPen, pen
from tether_desktop.errors import TetherError
from tether_desktop.events import (
    Cancelled,
    ContextTrimmed,
    Done,
    ErrorEvent,
    Event,
    HiddenThought,
    Status,
    Token,
    ToolApproval,
    ToolEnd,
    ToolProgress,
    ToolStart,
    to_ndjson,
)

_STAGES = {
    "queued": "Waiting for the model",
    "loading_model": "Loading the model",
    "summing_up": "Summing up what no longer fits",
    "reading_prompt": "Reading the prompt",
    "generating": "Thinking",
    "calling": "Writing a call",
}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


class JsonPrinter:
    """One line of JSON on stdout for each event, and the errors in words on stderr too."""

    def show(self, event: Event) -> None:
        """Print one event."""
        write(to_ndjson(event))
        if isinstance(event, ErrorEvent):
            _tell(event)


class TextPrinter:
    """The answer on stdout as it comes; everything else on stderr.

    Attributes:
        show_thinking: whether hidden thoughts are printed.
    """

    def __init__(self, *, show_thinking: bool = False, answer_pen: Pen | None = None) -> None:
        """Print with a pen, or the one for what stdout is."""
        self.show_thinking = show_thinking
        self._progress = ProgressLine(only_live=True)
        self._colours = sys.stdout.isatty()
        self._thinking = False
        self._answer, self._thoughts = answer_pen or pen(), PlainPen()

    def show(self, event: Event) -> None:
        """Print one event."""
        match event:
            case Token(content):
                self._say(content, thought=False)
            case HiddenThought(content) if self.show_thinking:
                self._say(content, thought=True)
            case HiddenThought():
                self._wait("generating", None)
            case Status(stage, progress):
                self._wait(stage, progress)
            case ContextTrimmed(dropped):
                note(f"(The conversation is longer than the model's window: {dropped} old messages were left out.)")
            case ToolApproval() | ToolStart() | ToolProgress() | ToolEnd():
                self._show_tool(event)
            case Done() | Cancelled() | ErrorEvent():
                self._show_ending(event)

    def _show_ending(self, event: Done | Cancelled | ErrorEvent) -> None:
        match event:
            case Done(finish_reason="length"):
                self._end("(The answer was cut off: it reached the longest length the settings or the window allow.)")
            case Done():
                self._end()
            case Cancelled():
                self._end("(stopped)")
            case ErrorEvent():
                self._end()
                _tell(event)

    def _say(self, text: str, *, thought: bool) -> None:
        self._progress.clear()
        if thought != self._thinking:
            self._switch(thought=thought)
        (self._thoughts if thought else self._answer).write(text)

    def _switch(self, *, thought: bool) -> None:
        """Go from the answer to a thought, or back; each begins on a line of its own."""
        self._close()
        self._thinking = thought
        if thought and self._colours:
            write(_DIM)

    def _close(self) -> None:
        """End the line that is open, and what holds for thoughts alone."""
        self._answer.end()
        if self._thinking and self._colours:
            write(_PLAIN)
        self._thoughts.end()
        self._thinking = False

    def _show_tool(self, event: ToolApproval | ToolStart | ToolProgress | ToolEnd) -> None:
        match event:
            case ToolApproval(_, name, arguments, origin):
                self._remark(f"[{name}] ({origin}) wants to run with:")
                self._remark(json.dumps(arguments, ensure_ascii=False, indent=2))
            case ToolStart(_, name, arguments, text):
                self._remark(call_line(name, arguments, text))
            case ToolProgress(_, message, progress):
                self._progress.show(message, progress)
            case ToolEnd(_, name, result, is_error):
                self._remark(result_line(name, result, is_error=is_error))

    def _remark(self, text: str) -> None:
        """A line about tools, between what the model says."""
        self._end()
        note(safe(text))

    def _wait(self, stage: str, progress: float | None) -> None:
        if not (self._answer.open or self._thoughts.open):
            self._progress.show(_STAGES[stage], progress)

    def _end(self, remark: str = "") -> None:
        self._progress.clear()
        self._close()
        if remark:
            note(remark)


def _tell(event: ErrorEvent) -> None:
    tell(TetherError(event.title or "The turn failed", event.message, event.hint))
