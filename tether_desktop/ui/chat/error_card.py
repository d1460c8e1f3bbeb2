"""What went wrong with a reply, what to do about it, and what helps whoever looks into it."""

from __future__ import annotations

import platform

from PySide6.QtCore import QRect, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from tether_desktop import __version__, paths
from tether_desktop.errors import ProgramReplaced
from tether_desktop.logs import log_file
from tether_desktop.ui.chat.message_parts import wrapping_label
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.look import icons
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import place
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.translation import translate

_LEFT = 42
_RIGHT = 44


def details_of(view: MessageView, device: str = "") -> str:
    """The facts for a report: what kind of failure, of which model, and where; nothing of the conversation."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    facts = (
        (translate("ErrorCard", "Kind"), view.error_code),
        (translate("ErrorCard", "Model"), view.figures.model or view.model),
        (translate("ErrorCard", "Device"), device),
        (translate("ErrorCard", "Program"), f"Tether {__version__}, Python {platform.python_version()}, {system}"),
        (translate("ErrorCard", "Log"), str(log_file())),
    )
    return "\n".join(f"{name}: {value}" for name, value in facts if value)


class ErrorCard(QFrame):
    """Says it, with buttons to try again, to go on, to restart where only that helps, to copy it, and to see more.

    Signals:
        retry_clicked(): the person wants another try.
        continue_clicked(): the person wants the rest of the reply.
        restart_clicked(): the person wants Tether to begin anew.
        toggled(bool): the details are opened or closed.
    """

    retry_clicked = Signal()
    continue_clicked = Signal()
    restart_clicked = Signal()
    toggled = Signal(bool)

    def __init__(self, parent: QWidget, *, is_open: bool = False) -> None:
        super().__init__(parent)
        self.setProperty("kind", "danger_card")
        self._icon = QLabel(self)
        self._texts = [wrapping_label(self, kind) for kind in ("danger", "", "muted")]
        self.facts = wrapping_label(self, "small")
        self.retry = ThemedButton(self.tr("Try again"), "rotate-ccw", self)
        self.go_on = ThemedButton(self.tr("Continue"), "play", self)
        self.restart = ThemedButton(self.tr("Restart now"), "refresh-cw", self)
        self.details_button = ThemedButton(self.tr("Details"), "chevron-right", self, kind="disclosure")
        self.details_button.setCheckable(True)
        self.logs_button = ThemedButton(self.tr("Open the folder of logs"), "folder-open", self, kind="answer")
        self.copy_button = IconButton("copy", self.tr("Copy what went wrong"), self, size=16)
        self.retry.clicked.connect(self.retry_clicked)
        self.go_on.clicked.connect(self.continue_clicked)
        self.restart.clicked.connect(self.restart_clicked)
        self.details_button.toggled.connect(self._show_details)
        self.details_button.clicked.connect(self.toggled)
        self.logs_button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_dir()))))
        self.copy_button.clicked.connect(self._on_copy)
        self.details_button.setChecked(is_open)
        self._show_details(opened=is_open)

    def show_error(self, view: MessageView, *, device: str = "", can_go_on: bool = False) -> None:
        """Say what happened; empty texts take no room, and ``device`` is what the model ran on, where it is known."""
        self._icon.setPixmap(icons.pixmap("circle-alert", "danger", 18, self.devicePixelRatioF()))
        replaced = view.error_code == ProgramReplaced.code
        self.restart.setVisible(replaced)
        self.retry.setHidden(replaced)
        self.go_on.setVisible(can_go_on and not replaced)
        title = view.error_title or self.tr("The reply failed")
        for label, text in zip(self._texts, (title, view.error_message, view.error_hint), strict=True):
            label.setText(text)
            label.setVisible(bool(text))
        self.facts.setText(details_of(view, device))

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        top = 12
        place(self._icon, QRect(14, 13, 18, 18), width)
        for label in self._texts:
            top = self._place_text(label, top, width) if label.text() else top
        top = self._place_buttons((self.retry, self.go_on, self.restart, self.details_button), top + 6, width)
        if self.details_button.isChecked():
            top = self._place_text(self.facts, top + 10, width)
            top = self._place_buttons((self.logs_button,), top + 6, width)
        side = self.copy_button.sizeHint()
        place(self.copy_button, QRect(width - side.width() - 8, 8, side.width(), side.height()), width)
        return top + 12

    def _place_text(self, label: QLabel, top: int, width: int) -> int:
        inner = width - _LEFT - _RIGHT
        height = label.heightForWidth(inner)
        place(label, QRect(_LEFT, top, inner, height), width)
        return top + height + 4

    def _place_buttons(self, buttons: tuple[ThemedButton, ...], top: int, width: int) -> int:
        """Put buttons side by side, and below each other where there is no room; returns where they end."""
        left, height = _LEFT, max(button.sizeHint().height() for button in buttons)
        for button in buttons:
            if button.isHidden():
                continue
            wide = button.sizeHint().width()
            if left > _LEFT and left + wide > width - 8:
                left, top = _LEFT, top + height + 6
            place(button, QRect(left, top, wide, height), width)
            left += wide + 8
        return top + height

    def _show_details(self, opened: bool) -> None:
        self.details_button.set_icon("chevron-down" if opened else "chevron-right", "muted")
        self.facts.setVisible(opened)
        self.logs_button.setVisible(opened)

    def _on_copy(self) -> None:
        texts = [label.text() for label in self._texts if label.text()]
        QGuiApplication.clipboard().setText("\n".join([*texts, "", self.facts.text()]))
        self.copy_button.confirm()
