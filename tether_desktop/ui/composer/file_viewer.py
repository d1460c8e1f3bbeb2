"""Shows the text of a file that goes with a question: what the model will read."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from tether_desktop.messages import Attachment
from tether_desktop.ui.composer.file_words import file_facts
from tether_desktop.ui.composer.message_edit import LONG_LINE
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton

SHOWN = 500_000
"""Characters that are shown of a text; nobody reads more of it here."""

_SIZE = (720, 560)
_FRAME = 56


class FileViewer(QDialog):
    """The text of one file, to be read and copied.

    Signals:
        unfolded(): the text is wanted in the message instead.
    """

    unfolded = Signal()

    def __init__(
        self, attachment: Attachment, tokens: int | None = None, parent: QWidget | None = None, *, foldable: bool = True
    ) -> None:
        super().__init__(parent)
        name = visible(attachment.name)
        self.setWindowTitle(name)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("kind", "code_box")
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(self.tr("What the model reads of {name}").format(name=name))
        self.text.setPlainText(_shown(attachment.text))
        self.facts_label = QLabel(self._facts(attachment, tokens))
        self.facts_label.setProperty("kind", "small")
        self.facts_label.setTextFormat(Qt.TextFormat.PlainText)
        self.facts_label.setWordWrap(True)
        self.unfold_button = ThemedButton(self.tr("Put into the message"), "type")
        self.unfold_button.setAutoDefault(False)
        self.unfold_button.setVisible(foldable)
        self.unfold_button.clicked.connect(self._on_unfold)
        self.close_button = ThemedButton(self.tr("Close"))
        self.close_button.clicked.connect(self.accept)
        self._lay_out(name)

    def _facts(self, attachment: Attachment, tokens: int | None) -> str:
        facts = file_facts(attachment, tokens)
        if len(attachment.text) <= SHOWN:
            return facts
        return self.tr("{facts} · the beginning is shown, the model gets all of it").format(facts=facts)

    def _lay_out(self, name: str) -> None:
        title = QLabel(name)
        title.setProperty("kind", "heading")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        bottom = QHBoxLayout()
        bottom.addWidget(self.facts_label, 1)
        bottom.addWidget(self.unfold_button)
        bottom.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing.WIDE, spacing.LARGE, spacing.WIDE, spacing.LARGE)
        column.setSpacing(spacing.MEDIUM)
        column.addWidget(title)
        column.addWidget(self.text, 1)
        column.addLayout(bottom)
        room = self.screen().availableSize()
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - _FRAME))

    def _on_unfold(self) -> None:
        self.accept()
        self.unfolded.emit()


def _shown(text: str) -> str:
    """The beginning, its lines cut into pieces that are quick to lay out."""
    lines = text[:SHOWN].split("\n")
    if max(map(len, lines)) > LONG_LINE:
        lines = [line[start : start + LONG_LINE] for line in lines for start in range(0, len(line) or 1, LONG_LINE)]
    return visible("\n".join(lines))
