"""One message of the conversation: what questions and replies have in common."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from tether_desktop.ui.chat.message_parts import ACTIONS_HEIGHT, VersionSwitch
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.focus_chain import stops_inside
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown.markdown_body import MarkdownBody

SPOKEN_CHARACTERS = 300


class MessageWidget(QWidget):
    """Shows one MessageView at a given width.

    Attributes:
        view: what is shown.
        body: its text.

    Signals (each begins with the message's id where it has arguments):
        copy_requested, regenerate_requested, retry_requested: the person pressed that button.
        edit_requested: the new text of a question.
        version_requested: the version to show, from 1.
        link_activated: the address of a link the person followed.
        fold_toggled: which thoughts or call the person opened or closed, and whether they are open now.
        call_answered: (without the message's id) a call, and what the person answered for it.
        resized: another height is needed.
    """

    copy_requested = Signal(str)
    regenerate_requested = Signal(str)
    retry_requested = Signal(str)
    edit_requested = Signal(str, str)
    version_requested = Signal(str, int)
    link_activated = Signal(str)
    fold_toggled = Signal(str, str, bool)
    call_answered = Signal(str, str)
    resized = Signal()

    def __init__(self, view: MessageView, parent: QWidget) -> None:
        super().__init__(parent)
        self.view = view
        self.body = MarkdownBody(self)
        self.body.link_activated.connect(self.link_activated)
        self._actions: QWidget | None = None
        self._versions: VersionSwitch | None = None
        self._active = False
        self._actions_rect = QRect()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_view(self, view: MessageView) -> None:
        """Show another state of the same message."""
        self.view = view
        self.setAccessibleName(self._spoken())
        self._show_actions()

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        raise NotImplementedError

    @property
    def pending(self) -> bool:
        """Whether a part of a long text is not shown yet."""
        return self.body.pending

    def show_more(self) -> None:
        """Show the next part of a long text."""

    @property
    def has_keyboard(self) -> bool:
        """Whether it, or something in it, has the keyboard."""
        focus = QApplication.focusWidget()
        return focus is not None and (focus is self or self.isAncestorOf(focus))

    @property
    def is_pinned(self) -> bool:
        """Whether throwing the widget away would lose something the person is doing."""
        return self.has_keyboard or self.body.has_selection()

    def focus_stops(self) -> list[QWidget]:
        """Where Tab stops inside the message, in reading order."""
        return stops_inside(self)

    def restyle(self) -> None:
        """Take the colours of the theme that is on now."""
        self.body.restyle()
        self.show_view(self.view)

    def set_active(self, active: bool) -> None:
        """Show the buttons because the keyboard is in this message."""
        self._active = active
        self._show_actions()

    def _spoken(self) -> str:
        """What a screen reader says."""
        speaker = self.tr("You") if self.view.role == "user" else self.view.model or self.tr("Assistant")
        return f"{speaker}: {self.view.text[:SPOKEN_CHARACTERS]}"

    def _buttons(self) -> list[QWidget]:
        """The buttons below the message, made when they are first needed."""
        raise NotImplementedError

    def _button(self, icon: str, label: str) -> IconButton:
        return IconButton(icon, label, size=16)

    def _copy_button(self) -> IconButton:
        button = self._button("copy", self.tr("Copy message"))
        button.clicked.connect(lambda: self.copy_requested.emit(self.view.id))
        button.clicked.connect(button.confirm)
        return button

    def _version_switch(self) -> VersionSwitch:
        self._versions = VersionSwitch(self)
        self._versions.chosen.connect(lambda version: self.version_requested.emit(self.view.id, version))
        return self._versions

    def _show_actions(self) -> None:
        wanted = not self.view.running and (self._active or self.underMouse() or self.view.versions > 1)
        if wanted and self._actions is None:
            self._actions = self._make_actions()
        if self._actions is not None and self._versions is not None:
            self._versions.show_version(self.view.version, self.view.versions)
            self._actions.setVisible(wanted)
            self._place_actions()

    def _make_actions(self) -> QWidget:
        actions = QWidget(self)
        row = QHBoxLayout(actions)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in self._buttons():
            row.addWidget(button)
        return actions

    def _reserve_actions(self, rect: QRect) -> None:
        self._actions_rect = rect
        self._place_actions()

    def _place_actions(self) -> None:
        if self._actions is None:
            return
        size = self._actions.sizeHint()
        rect = QRect(self._actions_rect)
        rect.setHeight(ACTIONS_HEIGHT)
        if self.view.role == "user":
            rect.setLeft(rect.right() - size.width() + 1)
        else:
            rect.setWidth(size.width())
        self._actions.setGeometry(rect)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Show the buttons under the pointer."""
        super().enterEvent(event)
        self._show_actions()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Hide the buttons again."""
        super().leaveEvent(event)
        self._show_actions()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Stop showing it."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint the frame around the message that has the keyboard."""
        super().paintEvent(event)
        if self.hasFocus():
            look = theme.active()
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(look.colors.accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), look.radius.lg, look.radius.lg)
