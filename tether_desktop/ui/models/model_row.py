"""One model in the picker's list: its name, its state, and what can be done with it."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.models.fit_pill import FitPill
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.model_words import detail_text, state_text

_SPACES = 62
"""Margins, and what is between the parts of a row."""


class ModelRow(QFrame):
    """A row that is chosen by a click or Enter, with a button that loads, cancels or unloads.

    Signals:
        chosen(name): this model is to answer.
        load_requested(name), unload_requested(name), cancel_requested(name): the row's button.
        permission_requested(name): the same, or a click, where its library is not allowed yet.
        prepare_requested(name): the button, where it is not ready for this computer yet.
    """

    chosen = Signal(str)
    load_requested = Signal(str)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)

    def __init__(self, status: ModelStatus, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("model_row")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._status = status
        self._selected = False
        self._check = _Check()
        self._title = QLabel()
        self._title.setMinimumWidth(1)
        self._state = QLabel()
        self._detail = QLabel()
        self._detail.setProperty("kind", "small")
        self._detail.setWordWrap(True)
        self._detail.setTextFormat(Qt.TextFormat.PlainText)
        self.pill = FitPill()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self.button = QPushButton()
        self.button.setProperty("kind", "ghost")
        self.button.clicked.connect(self._on_button)
        self._lay_out()
        self.show_status(status, selected=False)

    @property
    def status(self) -> ModelStatus:
        """The model it stands for."""
        return self._status

    @property
    def natural_width(self) -> int:
        """In which nothing of its first line is cut."""
        parts = [self._check, self._title, self._state, *([self.button] if not self.button.isHidden() else [])]
        return sum(each.sizeHint().width() for each in parts) + _SPACES

    def show_status(self, status: ModelStatus, *, selected: bool) -> None:
        """Show a model's state."""
        self._status = status
        self._selected = selected
        quantization = f" · {escape(status.quantization)}" if status.quantization else ""
        self._title.setText(f"<b>{escape(status.title)}</b>{quantization}")
        self._title.setToolTip(escape(status.label))
        self._state.setText(state_text(status))
        set_kind(self._state, {"ready": "success", "busy": "success", "failed": "warning"}.get(status.state, "small"))
        self._detail.setText(self._problem() or detail_text(status))
        self._detail.setVisible(bool(self._detail.text()))
        self.pill.show_fit("" if status.loaded or status.state == "loading" or not status.usable else status.fit)
        self._bar.setVisible(status.state == "loading")
        self._bar.setRange(0, 0 if status.progress is None else 1000)
        self._bar.setValue(round((status.progress or 0) * 1000))
        self._check.set_shown(shown=selected)
        self._show_action()
        inviting = status.usable or status.asks_first
        self.setCursor(Qt.CursorShape.PointingHandCursor if inviting else Qt.CursorShape.ArrowCursor)
        name = self.tr("{model}, {state}, chosen") if selected else self.tr("{model}, {state}")
        self.setAccessibleName(name.format(model=status.label, state=state_text(status)))
        self.setAccessibleDescription(" · ".join(filter(None, (self._detail.text(), self.pill.accessibleName()))))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802  (Qt's name)
        """A click chooses."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Enter and space choose; the arrows go to the next row."""
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space:
                self.choose()
            case Qt.Key.Key_Down:
                self.focusNextChild()
            case Qt.Key.Key_Up:
                self.focusPreviousChild()
            case _:
                super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Show what would be chosen."""
        super().enterEvent(event)
        set_kind(self, "row_hover" if self._status.usable or self._status.asks_first else "")

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Back to rest."""
        super().leaveEvent(event)
        set_kind(self, "")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(spacing.SMALL)
        top.addWidget(self._title, 1)
        top.addWidget(self._state)
        below = QHBoxLayout()
        below.setSpacing(spacing.SMALL)
        below.addWidget(self._detail, 1)
        below.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(spacing.TIGHT)
        words.addLayout(top)
        words.addLayout(below)
        words.addWidget(self._bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.MEDIUM, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(self._check, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)

    def _problem(self) -> str:
        status = self._status
        if status.preparable:
            # The button is the remedy.
            return status.reason
        if not status.usable:
            return f"{status.reason} {status.remedy}".strip()
        if status.state == "failed" and status.error is not None:
            return f"{status.error.message} {status.error.hint}".strip()
        return ""

    def _show_action(self) -> None:
        actions = {
            "unloaded": self.tr("Load"),
            "loading": self.tr("Cancel"),
            "ready": self.tr("Unload"),
            "failed": self.tr("Retry"),
        }
        action = actions.get(self._status.state, "") if self._status.usable else ""
        if self._status.gone and self._status.state == "ready":
            action = self.tr("Unload")
        if self._status.asks_first:
            action = self.tr("Allow…")
        if self._status.preparable:
            action = self.tr("Prepare")
        self.button.setText(action)
        self.button.setVisible(bool(action))
        self.button.setAccessibleName(f"{action} {self._status.title}")

    def choose(self) -> None:
        """Let it answer, or ask for what that takes."""
        if self._status.usable:
            self.chosen.emit(self._status.name)
        elif self._status.asks_first:
            self.permission_requested.emit(self._status.name)

    @Slot()
    def _on_button(self) -> None:
        if self._status.asks_first:
            self.permission_requested.emit(self._status.name)
            return
        if self._status.preparable:
            self.prepare_requested.emit(self._status.name)
            return
        signal = {"loading": self.cancel_requested, "ready": self.unload_requested}
        signal.get(self._status.state, self.load_requested).emit(self._status.name)


class _Check(QWidget):
    """A tick before the chosen model, or the same space without it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(18, 20)
        self._shown = False

    def set_shown(self, *, shown: bool) -> None:
        self._shown = shown
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        if self._shown:
            picture: QPixmap = icons.pixmap("check", "accent", 16, self.devicePixelRatioF())
            QPainter(self).drawPixmap(1, 2, picture)
