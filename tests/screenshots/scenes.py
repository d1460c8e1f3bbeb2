"""The pages that are drawn: what a person would have to do to see each of them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from tests.helpers.gui import until
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.models.models_page import Tab
from tether_desktop.ui.settings.page_table import PAGES

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


async def _temporary(window: MainWindow) -> None:
    window.commands.temporary_chat()


async def _answer(window: MainWindow) -> None:
    await open_chat(window, "Sorting photographs by date")


async def _tool_call(window: MainWindow) -> None:
    await open_chat(window, "Notes on the tides")


async def _streaming(window: MainWindow) -> None:
    window.desk.new()
    await ask(window, "Why does bread rise? Please wait for the oven.")
    await until(lambda: window.conversation.views and window.conversation.views[-1].text)


async def _queue(window: MainWindow) -> None:
    await _streaming(window)
    await ask(window, "And why does it fall again?")
    await ask(window, "Which flour is best for that?")
    await until(lambda: len(window.conversation.writing.queue) == 2)


async def _stop(window: MainWindow) -> None:
    window.desk.stop()
    await until(lambda: not window.conversation.busy)


async def _files(window: MainWindow) -> None:
    await open_chat(window, "Budget for the workshop")
    folder = Path(os.environ["TETHER_DATA_DIR"])
    (folder / "costs.csv").write_text("what,price\nwood,120\nglue,8\n" * 40, encoding="utf-8")
    (folder / "plan.md").write_text("# Plan\n\nBuild the bench first.\n" * 12, encoding="utf-8")
    window.composing.attachments.attach([folder / "costs.csv", folder / "plan.md"])
    window.pane.composer.set_text("What is missing from this plan?")
    await until(lambda: len(window.pane.composer.writing.files.files) == 2)


async def _search(window: MainWindow) -> None:
    await open_chat(window, "Why bread rises")
    window.sidebar.search.setText("time")
    await until(lambda: window.sidebar.found.view.model().rowCount() > 1)


async def _archive(window: MainWindow) -> None:
    window.sidebar.show_archive()


async def _bin(window: MainWindow) -> None:
    record = next(each for each in window.sidebar.model.sessions() if each.title == "Names for a sailing boat")
    window.sessions.delete([record.id])
    await until(window.pane.undo_bar.isVisible)
    window.sidebar.show_bin()


async def _find(window: MainWindow) -> None:
    await open_chat(window, "Sorting photographs by date")
    window.desk.answers.finding.open()
    window.pane.find_bar.field.setText("time")


async def _welcome(window: MainWindow) -> None:
    window.pages.put_beside(window.welcome)


async def _models(window: MainWindow) -> None:
    window.adding.open()


async def _catalogue(window: MainWindow) -> None:
    window.adding.open_catalogue()


def _models_tab(tab: Tab) -> SetUp:
    async def show(window: MainWindow) -> None:
        window.adding.open()
        assert window.adding.page is not None
        window.adding.page.turn_to(tab)

    return show


def _tour(number: int) -> SetUp:
    async def show(window: MainWindow) -> None:
        window.show_tour()
        for _ in range(number):
            window.tour.go_on()

    return show


def _settings(page: str) -> SetUp:
    async def show(window: MainWindow) -> QWidget:
        window.open_settings()
        dialog = window.settings.dialog
        assert dialog is not None
        dialog.show_page(page)
        await until(dialog.isVisible)
        return dialog

    return show


async def _settings_gone(window: MainWindow) -> None:
    if window.settings.dialog is not None:
        window.settings.dialog.reject()


async def _chat_settings(window: MainWindow) -> QWidget:
    await open_chat(window, "A letter to the landlord")
    window.composing.personas.open_settings()
    await until(lambda: window.composing.personas.dialog is not None)
    dialog = window.composing.personas.dialog
    assert dialog is not None
    return dialog


async def _chat_settings_gone(window: MainWindow) -> None:
    if window.composing.personas.dialog is not None:
        window.composing.personas.dialog.reject()


async def _quick(window: MainWindow) -> QWidget:
    window.system.quick.show()
    quick = window.system.quick.quick_window
    await until(quick.isVisible)
    return quick


async def _quick_gone(window: MainWindow) -> None:
    window.system.quick.close()


async def ask(window: MainWindow, text: str) -> None:
    """Type a question and send it, or let it wait while another one is answered."""
    window.pane.composer.set_text(text)
    QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)


def _file_name(page: str) -> str:
    return page.lower().replace(" ", "-")


ALL = (
    Scene("empty-chat", _empty),
    Scene("temporary-chat", _temporary),
    Scene("answer", _answer),
    Scene("answer-small", _answer, (680, 440)),
    Scene("tool-call", _tool_call),
    Scene("streaming", _streaming, leave=_stop),
    Scene("queue", _queue, leave=_stop),
    Scene("files", _files),
    Scene("search", _search),
    Scene("archive", _archive),
    Scene("bin", _bin),
    Scene("find", _find),
    Scene("welcome", _welcome),
    Scene("models-here", _models),
    Scene("models-add", _catalogue),
    Scene("models-speed", _models_tab("speed")),
    Scene("models-compare", _models_tab("compare")),
    *(Scene(f"tour-{number + 1}", _tour(number)) for number in range(3)),
    Scene("quick-window", _quick, leave=_quick_gone),
    Scene("chat-settings", _chat_settings, leave=_chat_settings_gone),
    *(Scene(f"settings-{_file_name(page.name)}", _settings(page.name), leave=_settings_gone) for page in PAGES),
)
