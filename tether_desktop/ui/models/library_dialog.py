"""Asking whether a library that was not compiled here may run: what it is, which file, and its SHA-256."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton


class LibraryDialog(QDialog):
    """Shows the file and asks; not loading it is what Enter and Escape do."""

    def __init__(self, model: str, library: str, sha256: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Load this library?"))
        self.setMinimumWidth(560)
        question = self.tr("“{model}” comes with a library that was not compiled on this computer.")
        self.question = _text(question.format(model=model))
        self.warning = _text(
            self.tr(
                "A model's library is a program, and can do whatever you can do on this computer. "
                "Load it only if you trust where it comes from. You are asked again if the file changes."
            )
        )
        self.file = _text(library, "muted")
        self.checksum = _text(self.tr("SHA-256: {sha256}").format(sha256=sha256), "small")
        for label in (self.file, self.checksum):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.load_button = ThemedButton(self.tr("Load"), "power")
        self.refuse_button = ThemedButton(self.tr("Don't load"), kind="primary")
        self.load_button.setAutoDefault(False)
        self.refuse_button.setDefault(True)
        self.load_button.clicked.connect(self.accept)
        self.refuse_button.clicked.connect(self.reject)
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.load_button)
        buttons.addWidget(self.refuse_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.BROAD, spacing.BROAD, spacing.BROAD, spacing.LARGE)
        layout.setSpacing(spacing.MEDIUM)
        for label in (self.question, self.warning, self.file, self.checksum):
            layout.addWidget(label)
        layout.addLayout(buttons)


def _text(text: str, kind: str = "") -> QLabel:
    label = QLabel(text)
    # A file's name may look like markup.
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if kind:
        label.setProperty("kind", kind)
    return label
