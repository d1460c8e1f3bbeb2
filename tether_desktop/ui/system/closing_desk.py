"""What closing means: quitting or staying in the tray, and a question first while something would be cut off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from tether_desktop.ui.system.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from tether_desktop.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """What the end of the program would cut off.

    Attributes:
        answers: how many are being written, in whichever chats.
        queued: questions that wait for their turn, in whichever chats.
        installing: whether a model is being added.
    """

    answers: int = 0
    queued: int = 0
    installing: bool = False


class ClosingDesk(QObject):
    """Decides what becomes of a window that is closed, asking where only the person can know.

    Signals:
        left(): the program is to end.
        restarted(): the program is to end, and to be started again.
        sent_to_tray(): the window is to hide, and the program to stay.
        remembered(setting): what closing means from now on: "quit" or "background".
    """

    left = Signal()
    restarted = Signal()
    sent_to_tray = Signal()
    remembered = Signal(str)

    def __init__(self, window: QWidget, running: Callable[[], Running]) -> None:
        """Decide for a window; ``running`` tells what would be cut off."""
        super().__init__(window)
        self._window = window
        self._running = running
        self._closing = "ask"

    @cached_property
    def sheet(self) -> Sheet:
        """Where it is asked."""
        sheet = Sheet(self._window)
        sheet.answered.connect(self._on_answered)
        return sheet

    def follow(self, settings: Settings) -> None:
        """Take what the settings say about closing."""
        self._closing = settings.closing

    @Slot()
    def close_window(self) -> None:
        """The person closes the window: where there is no tray the program ends, since nobody would find it again."""
        if not QSystemTrayIcon.isSystemTrayAvailable() or self._closing == "quit":
            self.quit()
        elif self._closing == "background":
            self.sent_to_tray.emit()
        else:
            self._ask_where_to()

    @Slot()
    def quit(self) -> None:
        """End the program, after a question while something would be cut off."""
        question = self._what_is_cut_off()
        if question:
            self._ask(self.tr("Quit anyway?"), question, {"leave": self.tr("Quit")})
        else:
            self.left.emit()

    @Slot()
    def restart(self) -> None:
        """End the program and start it again, after a question while something would be cut off."""
        question = self._what_is_cut_off()
        if question:
            self._ask(self.tr("Restart anyway?"), question, {"restart": self.tr("Restart now")})
        else:
            self.restarted.emit()

    def _ask(self, title: str, question: str, answers: dict[str, str]) -> None:
        self._show_window()
        self.sheet.ask(title, question, {"stay": self.tr("Keep Tether open"), **answers})

    def _ask_where_to(self) -> None:
        answers = {"tray": self.tr("Keep in tray"), "quit": self.tr("Quit")}
        self.sheet.ask(
            self.tr("Keep Tether in the tray?"),
            self.tr("It goes on answering there, and opens at once when you need it. Quit ends it."),
            answers,
            remember=self.tr("Do this from now on"),
        )

    def _what_is_cut_off(self) -> str:
        """What quitting now would cut off, in words; empty for nothing."""
        running, said = self._running(), []
        if running.answers:
            said.append(
                self.tr("%n answer(s) are still being written. They are kept as far as they came.", "", running.answers)
            )
        if running.queued:
            said.append(
                self.tr("%n question(s) wait for their turn. They are kept, and not asked.", "", running.queued)
            )
        if running.installing:
            said.append(self.tr("A model is being added. What is downloaded is kept, and the rest is done next time."))
        return " ".join(said)

    def _show_window(self) -> None:
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    @Slot(str, bool)
    def _on_answered(self, answer: str, remember: bool) -> None:
        if remember:
            self.remembered.emit("background" if answer == "tray" else "quit")
        match answer:
            case "tray":
                self.sent_to_tray.emit()
            case "quit":
                self.quit()
            case "leave":
                self.left.emit()
            case "restart":
                self.restarted.emit()
