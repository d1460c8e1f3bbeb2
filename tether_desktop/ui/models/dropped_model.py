"""Dropping a model file onto the window."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

_DRAGS = {QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop}


def dropped_model(data: QMimeData) -> str:
    """The path of the one GGUF file that is dragged; empty when it is anything else."""
    urls = data.urls() if data.hasUrls() else []
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if path.casefold().endswith(".gguf") else ""


class ModelDrop(QObject):
    """Lets a window take GGUF files.

    Signals:
        dropped(path): one was dropped.
    """

    dropped = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Take what is a model, and leave everything else."""
        if event.type() not in _DRAGS:
            return False
        drag = cast("QDragMoveEvent | QDropEvent", event)
        path = dropped_model(drag.mimeData())
        if not path:
            return False
        drag.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.dropped.emit(path)
        return True
