"""The pages that are drawn: what a person would have to do to see each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from tests.helpers.gui import until
from tether_desktop.ui.main_window import MainWindow

SetUp = Callable[[MainWindow], Awaitable[QWidget | None]]


async def _nothing(_window: MainWindow) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture.

    Attributes:
        name: of the file.
        set_up: brings the window there; returns the widget that is drawn, None for the whole window.
        size: of the window, in device-independent pixels.
        leave: what has to be undone before the window is closed.
    """

    name: str
    set_up: SetUp
    size: tuple[int, int] = (1180, 820)
    leave: Callable[[MainWindow], Awaitable[None]] = _nothing


async def open_chat(window: MainWindow, title: str) -> None:
    """Show the chat of that title."""
    record = next(each for each in window.sidebar.model.sessions() if each.title == title)
    await window.desk.open_now(record.id)


async def _empty(window: MainWindow) -> None:
    window.desk.new()


async def _answer(window: MainWindow) -> None:
    await open_chat(window, "Sorting photographs by date")


async def _tool_call(window: MainWindow) -> None:
    await open_chat(window, "Notes on the tides")


async def _streaming(window: MainWindow) -> None:
    window.desk.new()
    window.pane.composer.set_text("Why does bread rise? Please wait for the oven.")
    window.pane.composer.button.click()
    await until(lambda: window.conversation.views and window.conversation.views[-1].text)


async def _stop(window: MainWindow) -> None:
    window.desk.stop()
    await until(lambda: not window.conversation.busy)


ALL = (
    Scene("empty-chat", _empty),
    Scene("answer", _answer),
    Scene("answer-small", _answer, (680, 440)),
    Scene("tool-call", _tool_call),
    Scene("streaming", _streaming, leave=_stop),
)
