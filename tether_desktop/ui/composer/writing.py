"""What is being written in one chat: words, files, and the questions that wait their turn."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from tether_desktop.context.records import Draft
from tether_desktop.ui.composer.attached_files import AttachedFiles
from tether_desktop.ui.composer.question import AttachedFile, Question, restored
from tether_desktop.ui.composer.question_queue import QuestionQueue


class Writing(QObject):
    """Belongs to a conversation; the composer shows the one of the chat that is shown.

    Attributes:
        text: what is typed; while it is shown, as of when the composer was last asked.
        files: what goes with it.
        queue: the questions that wait.

    Signals:
        changed(): files or queue; of the text the composer tells.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self.files = AttachedFiles(self)
        self.queue = QuestionQueue(self)
        self.files.changed.connect(self.changed)
        self.queue.changed.connect(self.changed)

    def __bool__(self) -> bool:
        return bool(self.text or self.files.entries or self.queue)

    @property
    def draft(self) -> Draft:
        """All of it, as the store keeps it."""
        files = tuple(file.attachment for file in self.files.files)
        return Draft(self.text, files, tuple(each.question.stored() for each in self.queue.waiting))

    def restore(self, draft: Draft) -> None:
        """Take what was kept, before what is there already."""
        there = self.files.files
        self.text = "\n".join(filter(None, (draft.text, self.text)))
        if draft.attachments:
            for entry in self.files.entries:
                if entry.file is not None:
                    self.files.remove(entry.key)
            self.files.extend((*map(AttachedFile, draft.attachments), *there))
        self.queue.restore(map(restored, draft.queue))

    def add(self, text: str) -> None:
        """Put text behind what is typed."""
        self.text = "\n\n".join(filter(None, (self.text.rstrip(), text)))
        self.changed.emit()

    def give_back(self, question: Question) -> None:
        """Take a question that could not be sent."""
        self.text = "\n".join(filter(None, (question.text, self.text)))
        self.files.extend(question.files)

    def take_over(self, other: Writing) -> None:
        """Take what was being written elsewhere, behind what is there already."""
        self.text = "\n".join(filter(None, (self.text, other.text)))
        self.files.extend(other.files.files)
        self.queue.restore([each.question for each in other.queue.waiting])
