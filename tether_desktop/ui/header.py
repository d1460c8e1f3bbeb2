"""The bar above the chat: sidebar and model on the left, title in between, figures and the chat's menu on the right."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.model_picker import ModelPicker
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.number_text import rate_text, whole
from tether_desktop.ui.size_text import size_text
from tether_desktop.ui.translation import translate

NEARLY_FULL = 0.85
"""Above this fraction of the context window the meter warns."""

_CALM_S = 0.5
_ROOM_FOR_FIGURES = 66
_ROOM_FOR_TITLE = 92
"""Widths of the bar, in average characters, below which figures and title make room for the model."""


def status_text(model: ModelStatus | None, tokens: int | None, rate: float | None) -> str:
    """Memory, context meter and speed, as far as they are known: "up to 118 MB · 412 / 2048 tokens · 87 tok/s"."""
    parts = []
    if model is not None and model.loaded and model.memory_bytes:
        parts.append(translate("Header", "up to {size}").format(size=size_text(model.memory_bytes)))
    if model is not None and model.context_window:
        meter = translate("Header", "{used} / {window} tokens")
        parts.append(meter.format(used=whole(tokens or 0), window=whole(model.context_window)))
    if rate is not None:
        parts.append(rate_text(rate))
    return " · ".join(parts)


class ElidedLabel(QLabel):
    """One line that is cut short where there is no room for it, and said in full by its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As narrow as can be."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw as much as there is room for."""
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), shown)


class Header(QWidget):
    """The bar above the chat.

    Signals:
        sidebar_requested(): hide the sidebar, or show it again.
        temporary_requested(): begin a temporary chat, or leave it.
        menu_requested(): what can be done with the chat.
    """

    sidebar_requested = Signal()
    temporary_requested = Signal()
    menu_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sidebar_button = IconButton("panel-left", self.tr("Show or hide the sidebar"))
        self.picker = ModelPicker()
        self.install_strip = InstallStrip()
        self.title_label = ElidedLabel()
        self.title_label.setProperty("kind", "muted")
        self.title_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.status_label = QLabel()
        self.status_label.setProperty("kind", "small")
        self.status_label.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        self.temporary_button = IconButton("ghost", self.tr("Temporary chat"))
        self.temporary_button.setCheckable(True)
        self.menu_button = IconButton("ellipsis", self.tr("More for this chat"))
        self._shown_at = 0.0
        self._lay_out()
        self.sidebar_button.clicked.connect(self.sidebar_requested)
        self.temporary_button.clicked.connect(self.temporary_requested)
        self.menu_button.clicked.connect(self.menu_requested)

    def show_chat(self, title: str, *, stored: bool, temporary: bool) -> None:
        """Show which chat it is, and what can be done with it."""
        self.title_label.setText(self.tr("Temporary chat") if temporary else title)
        self.title_label.setToolTip(title)
        self.menu_button.setVisible(stored)
        self.temporary_button.setChecked(temporary)
        label = self.tr("Leave the temporary chat") if temporary else self.tr("New temporary chat")
        self.temporary_button.set_label(label)

    def show_status(
        self, model: ModelStatus | None, tokens: int | None, rate: float | None, *, calmly: bool = False
    ) -> None:
        """Show the figures; ``calmly`` at most twice a second, so that they can be read while they change."""
        now = time.monotonic()
        if calmly and now - self._shown_at < _CALM_S:
            return
        self._shown_at = now
        text = status_text(model, tokens, rate)
        window = model.context_window if model else 0
        full = bool(window) and (tokens or 0) > NEARLY_FULL * window
        self.status_label.setText(text)
        set_kind(self.status_label, "warning" if full else "small")
        self.status_label.setToolTip(self._explanation(model, full=full))
        self.status_label.setAccessibleName(text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Make room for the model where it is narrow."""
        super().resizeEvent(event)
        self._make_room()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Words of another size need other room."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._make_room()

    def _make_room(self) -> None:
        characters = self.width() / self.fontMetrics().averageCharWidth()
        self.status_label.setVisible(characters > _ROOM_FOR_FIGURES)
        self.title_label.setVisible(characters > _ROOM_FOR_TITLE)
        self._gap.setVisible(not self.title_label.isVisibleTo(self))

    def _lay_out(self) -> None:
        self._gap = QWidget()
        self._gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.SMALL, spacing.MEDIUM, spacing.SMALL)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self.sidebar_button)
        layout.addWidget(self.picker)
        layout.addWidget(self.install_strip)
        layout.addWidget(self.title_label, 1)
        layout.addWidget(self._gap, 1)
        layout.addSpacing(spacing.SMALL)
        layout.addWidget(self.status_label)
        layout.addWidget(self.temporary_button)
        layout.addWidget(self.menu_button)

    def _explanation(self, model: ModelStatus | None, *, full: bool) -> str:
        lines = [
            self.tr("Memory of the model · how much of its context window this chat fills · speed of the newest answer")
        ]
        if model is not None and model.device:
            lines.append(self.tr("Runs on {device}").format(device=model.device))
        if full:
            lines.append(
                self.tr("The window is nearly full: soon the oldest messages will be left out, and you will be told.")
            )
        return "\n".join(lines)
