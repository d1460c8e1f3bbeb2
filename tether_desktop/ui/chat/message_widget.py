"""One message of the conversation: what questions and replies have in common."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from tether_desktop.ui.chat.message_parts import ACTIONS_HEIGHT, VersionSwitch
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.focus_chain import stops_inside
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import place
from tether_desktop.ui.markdown.found_words import mark_words
from tether_desktop.ui.markdown.markdown_body import MarkdownBody
from tether_desktop.ui.translation import translate

SPOKEN_CHARACTERS = 300
WRAP = "wrap"
"""The fold of long lines of code."""


def spoken(view: MessageView) -> str:
    """What a screen reader says of a message: who speaks, and how it begins."""
    if view.role == "user":
        files = ", ".join(file.name for file in view.attachments)
        said = translate("MessageWidget", "You said: {text}").format(text=view.text[:SPOKEN_CHARACTERS])
        return " ".join(filter(None, (said, f"({files})" if files else "")))
    speaker = view.model or translate("MessageWidget", "Assistant")
    answered = translate("MessageWidget", "{speaker} answered: {text}")
    return answered.format(speaker=speaker, text=view.text[:SPOKEN_CHARACTERS])


class MessageWidget(QWidget):
    """Shows one MessageView at a given width.

    Attributes:
        view: what is shown.
        body: its text.

    Signals (each begins with the message's id where it has arguments):
        copy_requested, regenerate_requested, retry_requested, continue_requested: the person pressed that button.
        restart_requested: (without the message's id) Tether is to begin anew.
        edit_requested: the new text of a question.
        version_requested: the version to show, from 1.
        link_activated: the address of a link the person followed.
        fold_toggled: which thoughts or call the person opened or closed, and whether they are open now.
        menu_requested: the person asks what can be done, at a place on the screen.
        call_answered: (without the message's id) a call, and what the person answered for it.
        save_requested, whole_requested: (without it) a text and its language, to be saved or shown in whole.
        file_opened: (without it) the file whose text the person wants to see.
        resized: another height is needed.
    """

    copy_requested = Signal(str)
    continue_requested = Signal(str)
    restart_requested = Signal()
    menu_requested = Signal(str, QPoint)
    save_requested = Signal(str, str)
    whole_requested = Signal(str, str)
    file_opened = Signal(object)
    regenerate_requested = Signal(str, str)
    retry_requested = Signal(str)
    edit_requested = Signal(str, str)
    version_requested = Signal(str, int)
    link_activated = Signal(str)
    fold_toggled = Signal(str, str, bool)
    call_answered = Signal(str, str)
    resized = Signal()

    def __init__(self, view: MessageView, parent: QWidget) -> None:
        super().__init__(parent)
        self._behind = parent
        self.view = view
        self.body = self._make_body()
        self._newest = False
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

    def set_newest(self, *, newest: bool) -> bool:
        """Whether it is the last message, so that what only that one can do is offered; True when that is news."""
        if newest == self._newest:
            return False
        self._newest = newest
        self.show_view(self.view)
        return True

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        raise NotImplementedError

    def bodies(self) -> list[MarkdownBody]:
        """The texts of the message, in reading order."""
        return [self.body]

    def select_all(self) -> None:
        """Select all of the text."""
        for body in self.bodies():
            body.selectAll()

    def selected_text(self) -> str:
        """What is selected, in reading order."""
        chosen = (body for body in self.bodies() if body.has_selection())
        return "\n\n".join(body.createMimeDataFromSelection().text() for body in chosen)

    def plain_text(self) -> str:
        """The text without its marks."""
        return "\n\n".join(body.plain_text() for body in self.bodies())

    def show_marks(self, words: str, current: int | None = None) -> int | None:
        """Mark where words are found, one of the places more than the others; no words mark nothing.

        Returns:
            How far down the current place is; None where there is none.
        """
        found = None
        for body in self.bodies():
            count, top = mark_words(body, words, current)
            found = found if top is None else body.y() + top
            current = current - count if current is not None and current >= count else None
        return found

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
        return spoken(self.view)

    def _buttons(self) -> list[QWidget]:
        """The buttons below the message, made when they are first needed."""
        raise NotImplementedError

    def _button(self, icon: str, label: str) -> IconButton:
        return IconButton(icon, label, size=16)

    def _make_body(self, *, wrap: bool = False) -> MarkdownBody:
        body = MarkdownBody(self, wrap=wrap)
        body.link_activated.connect(self.link_activated)
        body.save_requested.connect(self.save_requested)
        body.whole_requested.connect(self.whole_requested)
        body.wrap_changed.connect(self._on_wrap)
        body.menu_requested.connect(self._on_menu)
        return body

    def _on_wrap(self, wrapped: bool) -> None:
        self.fold_toggled.emit(self.view.id, WRAP, wrapped)
        self.resized.emit()

    def _on_menu(self, event: QContextMenuEvent) -> None:
        self.menu_requested.emit(self.view.id, event.globalPos())

    def _copy_button(self) -> IconButton:
        button = self._button("copy", self.tr("Copy message"))
        button.clicked.connect(lambda: self.copy_requested.emit(self.view.id))
        button.clicked.connect(button.confirm)
        return button

    def _more_button(self) -> IconButton:
        button = self._button("ellipsis", self.tr("More for this message"))
        corner = QPoint(0, button.height())
        button.clicked.connect(lambda: self.menu_requested.emit(self.view.id, button.mapToGlobal(corner)))
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
        row.setSpacing(spacing.HAIR)
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
        place(self._actions, rect, self.width())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802  (Qt's name)
        """Say what can be done, by pointer and by key."""
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self.mapToGlobal(QPoint(self.width() // 2, min(self.height(), 60)))
        self.menu_requested.emit(self.view.id, place)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Select and copy all texts of the message as one."""
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text() or self.view.text)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802  (Qt's name)
        """Show the buttons under the pointer."""
        super().enterEvent(event)
        self._show_actions()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Hide the buttons again."""
        super().leaveEvent(event)
        self._show_actions()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Let what is behind show where the keyboard is."""
        super().focusInEvent(event)
        self._behind.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Let it stop."""
        super().focusOutEvent(event)
        self._behind.update()
