"""What can be done with one message, as a menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.look.icons import icon


@dataclass(frozen=True, slots=True)
class MenuChoices:
    """What is done with what was chosen; each takes the message's id first.

    Attributes:
        regenerate: takes the model that answers too; empty for the chosen one.
        branch: None where there is no place for another chat.
    """

    regenerate: Callable[[str, str], object]
    go_on: Callable[[str], object]
    branch: Callable[[str], object] | None
    edit: Callable[[str], object]
    figures: Callable[[str], object]


class MessageMenu(QMenu):
    """Offers what is possible for this message now.

    Args:
        view: the message.
        models: who can answer, as name and title.
        choices: what is done.
        selected: what is selected in it.
        plain: gives its text without marks.
        tables: its tables as CSV; empty where it has none.
        newest: whether it is the last one.
        busy: whether an answer is being written, so that no other can be asked for.
    """

    def __init__(
        self,
        view: MessageView,
        models: Sequence[tuple[str, str]],
        choices: MenuChoices,
        *,
        selected: str,
        plain: Callable[[], str],
        tables: str,
        newest: bool,
        busy: bool,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._choices = choices
        if selected:
            self._add("copy", self.tr("Copy what is selected"), lambda: _copy(selected))
        self._add("copy", self.tr("Copy as Markdown"), lambda: _copy(view.text))
        self._add("type", self.tr("Copy as plain text"), lambda: _copy(plain()))
        if tables:
            self._add("file-spreadsheet", self.tr("Copy tables as CSV"), lambda: _copy(tables))
        self.addSeparator()
        if not busy:
            self._add_asking(models, newest=newest)
        branch = choices.branch
        if branch is not None and not view.running:
            self._add("git-branch", self.tr("Branch from here"), lambda: branch(view.id))
        if view.figures.usage is not None:
            self._add("info", self.tr("What the answer took"), lambda: choices.figures(view.id))

    def _add_asking(self, models: Sequence[tuple[str, str]], *, newest: bool) -> None:
        view, choices = self._view, self._choices
        if view.role == "user":
            self._add("pencil", self.tr("Edit and send again"), lambda: choices.edit(view.id))
            return
        if newest and view.can_go_on:
            self._add("play", self.tr("Continue"), lambda: choices.go_on(view.id))
        self._add("refresh-cw", self.tr("Answer again"), lambda: choices.regenerate(view.id, ""))
        if len(models) > 1:
            with_another = self.addMenu(icon("cpu", size=16), self.tr("Answer again with"))
            for name, title in models:
                with_another.addAction(title).triggered.connect(self._asker(name))

    def _asker(self, model: str) -> Callable[[], object]:
        return lambda: self._choices.regenerate(self._view.id, model)

    def _add(self, name: str, text: str, done: Callable[[], object]) -> None:
        self.addAction(icon(name, size=16), text).triggered.connect(done)


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
