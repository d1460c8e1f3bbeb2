"""One model that is being added, waits to be, or was: how far it is, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.errors import NoConnection
from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.ask_line import AskLine
from tether_desktop.ui.models.fit_pill import FitPill
from tether_desktop.ui.models.install_desk import Key
from tether_desktop.ui.models.install_view import InstallView, plain_label
from tether_desktop.ui.models.installation import Installation, Installed
from tether_desktop.ui.models.mapping_details import MappingDetails
from tether_desktop.ui.models.model_status import split_name
from tether_desktop.ui.number_text import whole
from tether_desktop.ui.size_text import size_text
from tether_desktop.ui.translation import translate

if TYPE_CHECKING:
    from tether_desktop.model.install.progress import Checked

_MARK = 20
_MARKS = {
    "queued": ("clock", "muted"),
    "working": ("download", "accent"),
    "paused": ("pause", "muted"),
    "failed": ("circle-alert", "danger"),
    "done": ("circle-check", "success"),
}


def forecast(checked: Checked) -> str:
    """What a model will take, in a line."""
    words = translate("InstallRow", "{weights} of weights · {memory} of memory for {window} tokens")
    return words.format(
        weights=size_text(checked.size_bytes),
        memory=size_text(checked.fit.needed_bytes),
        window=whole(checked.context_window),
    )


class InstallRow(QFrame):
    """A card for one installation.

    Signals:
        pause_requested(key), resume_requested(key), cancel_requested(key), forget_requested(key): its buttons.
    """

    pause_requested = Signal(object)
    resume_requested = Signal(object)
    cancel_requested = Signal(object)
    forget_requested = Signal(object)

    def __init__(self, key: Key, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._key = key
        self._installation: Installation | None = None
        self._installed: Installed | None = None
        self._drawn = ("", "")
        self.mark = QLabel()
        self.title = plain_label("heading")
        self.view = InstallView()
        self.forecast_label = plain_label("small")
        self.pill = FitPill()
        self.details = MappingDetails()
        self.ask = AskLine()
        self.go_button = ThemedButton("")
        self.stop_button = ThemedButton("", kind="ghost")
        self._lay_out()
        self.go_button.clicked.connect(self._on_go)
        self.stop_button.clicked.connect(self._on_stop)
        self.ask.agreed.connect(self._on_agreed)
        self.ask.refused.connect(self._refresh)

    def show_installation(self, installation: Installation) -> None:
        """Show how far it is."""
        self._installation = installation
        self._draw_mark()
        self.title.setText(_title(self, installation))
        self.setAccessibleName(installation.short_text)
        self.view.show_installation(installation)
        if isinstance(installation.error, NoConnection):
            self.view.show_offline(installation.error)
        checked = installation.checked if installation.phase == "working" else None
        self.forecast_label.setText(forecast(checked) if checked is not None else "")
        self.forecast_label.setVisible(checked is not None)
        self.pill.show_fit(checked.fit.verdict if checked is not None else "")
        installed = installation.installed
        self.details.setVisible(installed is not None)
        if installed is not None and installed is not self._installed:
            self.details.show_mappings(installed.mappings)
        self._installed = installed
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._drawn = ("", "")
            self._draw_mark()

    def _draw_mark(self) -> None:
        mark = _MARKS[self._installation.phase if self._installation else "queued"]
        if mark != self._drawn:
            self._drawn = mark
            self.mark.setPixmap(icons.pixmap(*mark, _MARK, self.devicePixelRatioF()))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(spacing.SMALL)
        head.addWidget(self.mark)
        head.addWidget(self.title, 1)
        takes = QHBoxLayout()
        takes.addWidget(self.forecast_label, 1)
        takes.addWidget(self.pill)
        buttons = QHBoxLayout()
        buttons.setSpacing(spacing.SMALL)
        buttons.addWidget(self.go_button)
        buttons.addWidget(self.stop_button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.LARGE)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(head)
        layout.addWidget(self.view)
        layout.addLayout(takes)
        layout.addWidget(self.details)
        layout.addLayout(buttons)
        layout.addWidget(self.ask)

    @Slot()
    def _refresh(self) -> None:
        one = self._installation
        if one is None:
            return
        go = {"paused": self.tr("Resume"), "failed": self.tr("Try again"), "done": self.tr("OK")}.get(one.phase, "")
        go = self.tr("Pause") if one.loading else go
        stop = {"working": self.tr("Cancel"), "done": ""}.get(one.phase, self.tr("Remove"))
        icon = {"paused": "play", "failed": "refresh-cw", "done": "check"}.get(one.phase, "pause")
        self.go_button.set_icon(icon, "muted")
        set_kind(self.stop_button, "ghost" if go else "")
        asking = self.ask.isVisibleTo(self)
        for button, text in ((self.go_button, go), (self.stop_button, stop)):
            button.setText(text)
            button.setAccessibleName(f"{text}: {one.title}")
            button.setVisible(bool(text) and not asking)

    @Slot()
    def _on_go(self) -> None:
        phase = self._installation.phase if self._installation else ""
        signal = {"working": self.pause_requested, "done": self.forget_requested}.get(phase, self.resume_requested)
        signal.emit(self._key)

    @Slot()
    def _on_stop(self) -> None:
        one = self._installation
        if one is None or not one.keeps_download:
            self.cancel_requested.emit(self._key)
            return
        question = self.tr("Stop, and remove what was downloaded of {title}?").format(title=one.title)
        keep = self.tr("Go on") if one.phase == "working" else self.tr("Keep it")
        self.ask.ask(question, self.tr("Stop and remove"), keep)
        self._refresh()

    @Slot()
    def _on_agreed(self) -> None:
        self.cancel_requested.emit(self._key)


def _title(row: InstallRow, one: Installation) -> str:
    if one.phase == "done":
        name = one.installed.name if one.installed else one.title
        return row.tr("{title} is ready").format(title=split_name(name)[0])
    if one.phase == "failed":
        return one.short_text
    if one.phase == "working" and one.prepares:
        return row.tr("Preparing {title}").format(title=one.title)
    return row.tr("Adding {title}").format(title=one.title) if one.phase == "working" else one.title
