"""A model on this computer: what it is, what it takes, why it cannot be used, and all that can be done with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QProgressBar, QToolButton, QVBoxLayout, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.ask_line import AskLine
from tether_desktop.ui.models.fit_pill import FitPill
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.model_care import NOTHING, Care
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.model_words import facts_text, loaded_text, state_text
from tether_desktop.ui.size_text import size_text

_STATE_KINDS = {"ready": "pill_success", "busy": "pill_success", "failed": "pill_danger"}


class ModelCard(QFrame):
    """Shows one model.

    Signals:
        load_requested(name), unload_requested(name): its first button; unloading also ends a load.
        chat_requested(name): it is to answer in the chat.
        default_requested(name): new chats are to use it.
        permission_requested(name), prepare_requested(name), again_requested(name): what helps where it cannot be used.
        folder_requested(path), verify_requested(name), measure_requested(name), stop_requested(name),
        removal_requested(name), removal_agreed(name), seen(name): from its menu and its questions.
    """

    load_requested = Signal(str)
    unload_requested = Signal(str)
    chat_requested = Signal(str)
    default_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)
    again_requested = Signal(str)
    folder_requested = Signal(str)
    verify_requested = Signal(str)
    measure_requested = Signal(str)
    stop_requested = Signal(str)
    removal_requested = Signal(str)
    removal_agreed = Signal(str)
    seen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.name = name
        self._status = ModelStatus(name, name)
        self._care = NOTHING
        self._again = False
        self._asked_about: object = None
        self.title = plain_label("heading")
        self.default_pill = QLabel(self.tr("default"))
        self.default_pill.setProperty("kind", "pill")
        self.state_pill = QLabel()
        self.state_pill.setProperty("kind", "pill")
        self.pill = FitPill()
        self.facts = plain_label("small")
        self.loaded = plain_label("small")
        self.problem = plain_label("warning")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.work = plain_label("small")
        self.note = plain_label("success")
        self.main_button = ThemedButton("")
        self.default_button = ThemedButton(self.tr("Use for new chats"), kind="ghost")
        self.more_button = IconButton("ellipsis", "")
        self.ask = AskLine()
        self.actions_of: dict[str, QAction] = {}
        self._make_menu()
        self._lay_out()
        self.main_button.clicked.connect(self._on_main)
        self.default_button.clicked.connect(lambda: self.default_requested.emit(self.name))
        self.ask.agreed.connect(lambda: self.removal_agreed.emit(self.name))
        self.ask.refused.connect(lambda: self.seen.emit(self.name))

    @property
    def status(self) -> ModelStatus:
        """The model it shows."""
        return self._status

    def show_status(self, status: ModelStatus, *, is_default: bool, idle_minutes: int, again: bool = False) -> None:
        """Show a model's state.

        Args:
            status: the model.
            is_default: whether new chats use it.
            idle_minutes: after which it is unloaded; 0 for never.
            again: whether it can be downloaded again.
        """
        self._status, self._again = status, again
        self.title.setText(status.title)
        self.default_pill.setVisible(is_default)
        self.state_pill.setText(state_text(status))
        set_kind(self.state_pill, _STATE_KINDS.get(status.state, "pill") if status.usable else "pill_warning")
        self.state_pill.setVisible(not (status.usable and status.state == "unloaded"))
        self.pill.show_fit("" if status.loaded or status.state == "loading" or not status.usable else status.fit)
        self._say(self.facts, facts_text(status))
        self._say(self.loaded, loaded_text(status, idle_minutes))
        self.default_button.setVisible(status.usable and not is_default)
        self.default_button.setAccessibleName(self.tr("Use {title} for new chats").format(title=status.title))
        self.setAccessibleName(f"{status.label}, {state_text(status)}")
        self._refresh()

    def show_care(self, care: Care) -> None:
        """Show what is being done with it, or how that ended."""
        self._care = care
        self._refresh()
        if care.removal is not None and care.removal is not self._asked_about:
            removal = care.removal
            words = self.tr("Remove {title} from this computer? This frees {size}.")
            if removal.library is not None:
                words = self.tr("Remove {title} and its compiled library from this computer? This frees {size}.")
            question = words.format(title=self._status.title, size=size_text(removal.freed_bytes))
            self.ask.ask(question, self.tr("Remove"), self.tr("Keep it"))
        elif care.removal is None:
            self.ask.hide()
        self._asked_about = care.removal

    def _refresh(self) -> None:
        status, care = self._status, self._care
        self._say(self.problem, self._problem())
        self._say(self.note, care.note)
        self._say(self.work, self._work_text())
        loading = status.state == "loading"
        progress = status.progress if loading and not care.work else care.progress
        self.bar.setVisible(loading or bool(care.work))
        self.bar.setRange(0, 0 if progress is None else 1000)
        self.bar.setValue(round((progress or 0) * 1000))
        self.bar.setAccessibleName(self.work.text() or state_text(status))
        text = self._main_text()
        self.main_button.setText(text)
        self.main_button.setVisible(bool(text))
        self.main_button.setAccessibleName(f"{text}: {status.title}")
        self.more_button.set_label(self.tr("More about {title}").format(title=status.title))
        here, whole = not status.server and not status.gone, not care.work
        for name, possible in (
            ("chat", status.usable),
            ("measure", status.usable and here and whole),
            ("verify", here and whole and not status.preparable),
            ("folder", bool(status.folder)),
            ("remove", here and whole),
        ):
            self.actions_of[name].setEnabled(possible)

    def _main_text(self) -> str:
        status = self._status
        if self._care.work:
            return "" if self._care.work == "removing" else self.tr("Stop")
        if status.gone:
            return self.tr("Unload")
        if status.asks_first:
            return self.tr("Allow its library…")
        if status.preparable:
            return self.tr("Prepare for this computer")
        if not status.usable:
            return self.tr("Download again") if self._again else ""
        words = {"loading": self.tr("Cancel"), "ready": self.tr("Unload"), "failed": self.tr("Try again"), "busy": ""}
        return words.get(status.state, self.tr("Load"))

    def _work_text(self) -> str:
        match self._care.work, self._care.stage:
            case "verifying", _:
                return self.tr("Comparing every file with its checksum…")
            case "removing", _:
                return self.tr("Removing…")
            case "measuring", "waiting":
                return self.tr("Waiting until the model is free…")
            case "measuring", "loading":
                return self.tr("Loading it to measure how fast it answers…")
            case "measuring", _:
                return self.tr("Measuring how fast it answers…")
        return ""

    def _problem(self) -> str:
        status = self._status
        if self._care.error is not None:
            return _told(self._care.error)
        if status.state == "failed" and status.error is not None and status.usable:
            return _told(status.error)
        if status.usable:
            return ""
        # Where the button is the remedy, it need not be told as well.
        return status.reason if self._main_text() and not status.gone else f"{status.reason} {status.remedy}".strip()

    @staticmethod
    def _say(label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))

    def _make_menu(self) -> None:
        menu = QMenu(self)
        for name, text, signal in (
            ("chat", self.tr("Answer with it"), self.chat_requested),
            ("measure", self.tr("Measure speed"), self.measure_requested),
            ("verify", self.tr("Check its files"), self.verify_requested),
            ("folder", self.tr("Open folder"), None),
            ("remove", self.tr("Remove…"), self.removal_requested),
        ):
            if name == "remove":
                menu.addSeparator()
            action = menu.addAction(text)
            action.triggered.connect(self._on_folder if signal is None else self._emitter(signal))
            self.actions_of[name] = action
        self.more_button.setMenu(menu)
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _emitter(self, signal: object) -> Callable[[], None]:
        return lambda: signal.emit(self.name)  # type: ignore[attr-defined]  # a bound signal

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(spacing.SMALL)
        head.addWidget(self.title, 1)
        for pill in (self.default_pill, self.pill, self.state_pill):
            head.addWidget(pill)
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing.SMALL)
        flowing = QWidget()
        flow = FlowLayout(flowing, 8)
        flow.addWidget(self.main_button)
        flow.addWidget(self.default_button)
        buttons.addWidget(flowing, 1)
        buttons.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.NEAR)
        layout.addLayout(head)
        for widget in (self.facts, self.loaded, self.problem, self.work, self.bar, self.note):
            layout.addWidget(widget)
        layout.addSpacing(spacing.HAIR)
        layout.addLayout(buttons)
        layout.addWidget(self.ask)

    @Slot()
    def _on_folder(self) -> None:
        self.folder_requested.emit(self._status.folder)

    @Slot()
    def _on_main(self) -> None:
        status = self._status
        if self._care.work:
            self.stop_requested.emit(self.name)
        elif status.gone:
            self.unload_requested.emit(self.name)
        elif status.asks_first:
            self.permission_requested.emit(self.name)
        elif status.preparable:
            self.prepare_requested.emit(self.name)
        elif not status.usable:
            self.again_requested.emit(self.name)
        elif status.state in {"loading", "ready"}:
            self.unload_requested.emit(self.name)
        else:
            self.load_requested.emit(self.name)


def _told(error: TetherError) -> str:
    return f"{error.message} {error.hint}".strip()
