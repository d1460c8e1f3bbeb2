"""Dropping files: a model goes to the window, wherever it is dropped; everything else stays what it was."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.helpers.gui import Recorder
from tether_desktop.ui.composer.message_edit import MessageEdit
from tether_desktop.ui.models.dropped_model import ModelDrop, dropped_model

BUTTON, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
POINT, COPY = QPointF(4, 4), Qt.DropAction.CopyAction


def dragged(*urls: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(url) for url in urls])
    return data


def drop(widget: QWidget, data: QMimeData) -> None:
    """Drag over a widget and drop, as Qt's own window does."""
    QApplication.sendEvent(widget, QDragEnterEvent(POINT.toPoint(), COPY, data, BUTTON, NO_KEYS))
    QApplication.sendEvent(widget, QDropEvent(POINT, COPY, data, BUTTON, NO_KEYS))


@pytest.mark.parametrize(
    ("urls", "path"),
    [
        (["file:///models/a%20b.gguf"], "/models/a b.gguf"),
        (["file:///models/A.GGUF"], "/models/A.GGUF"),
        (["file:///models/a.txt"], ""),
        (["https://example.com/a.gguf"], ""),
        (["file:///a.gguf", "file:///b.gguf"], ""),
        ([], ""),
    ],
)
def test_only_one_gguf_file_of_this_computer_is_a_model(urls: list[str], path: str) -> None:
    assert dropped_model(dragged(*urls)) == path


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(MessageEdit())
    window.show()
    return window


def test_a_model_dropped_onto_the_message_goes_to_the_window(window: QWidget) -> None:
    paths = Recorder(ModelDrop(window).dropped)
    edit = window.findChild(MessageEdit)
    assert isinstance(edit, MessageEdit)
    drop(edit.viewport(), dragged("file:///models/a.gguf"))
    assert paths.calls == [("/models/a.gguf",)]
    assert edit.text() == ""


def test_other_files_are_left_to_the_message(window: QWidget) -> None:
    paths = Recorder(ModelDrop(window).dropped)
    edit = window.findChild(MessageEdit)
    assert isinstance(edit, MessageEdit)
    drop(edit.viewport(), dragged("file:///notes.txt"))
    assert paths.calls == []
