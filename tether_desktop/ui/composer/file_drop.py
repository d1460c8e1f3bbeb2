"""Dropping files onto the chat attaches them."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.composer.composer_edit import local_files
from tether_desktop.ui.models.dropped_model import dropped_model

_DRAGS = {QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop}


class FileDrop(QObject):
    """Lets a widget take files, a model excepted, and says so over another one while they are dragged.

    Signals:
        dropped(list[Path]): files were dropped.
    """

    dropped = Signal(object)

    def __init__(self, target: QWidget, over: QWidget) -> None:
        super().__init__(target)
        self._over = over
        self.sign = QFrame(target)
        self.sign.setProperty("kind", "drop")
        label = QLabel(self.tr("Drop files here to attach them"))
        label.setProperty("kind", "heading")
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setWordWrap(True)
        QVBoxLayout(self.sign).addWidget(label)
        self.sign.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.sign.hide()
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Take files, and leave everything else."""
        if event.type() == QEvent.Type.DragLeave:
            self.sign.hide()
        if event.type() not in _DRAGS:
            return False
        drag = cast("QDragMoveEvent | QDropEvent", event)
        files = local_files(drag.mimeData())
        if not files or dropped_model(drag.mimeData()):
            return False
        drag.setDropAction(Qt.DropAction.CopyAction)
        drag.accept()
        if event.type() == QEvent.Type.Drop:
            self.sign.hide()
            self.dropped.emit(files)
        elif self.sign.isHidden():
            self._show_sign(cast("QWidget", watched))
        return True

    def _show_sign(self, target: QWidget) -> None:
        corner = self._over.mapTo(target, self._over.rect().topLeft())
        self.sign.setGeometry(QRect(corner, self._over.size()))
        self.sign.show()
        self.sign.raise_()
