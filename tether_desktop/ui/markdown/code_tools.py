"""The buttons in the header of a block of code: copy, save, and let long lines go on below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.markdown.decorations import CodeCard
from tether_desktop.ui.markdown.document_formats import CODE_HEADER

MOST_CARDS = 60
"""Blocks of code in one text that have buttons; more of them would cost more than they are worth."""
_SIDE = CODE_HEADER - 6


class CodeTools(QObject):
    """Keeps the buttons of every block of code where its header is.

    Attributes:
        copy_buttons: one for each block, in order; ``save_buttons`` and ``wrap_buttons`` as well.

    Signals:
        copy_pressed(index), save_pressed(index): the person wants the code of this card.
        wrap_pressed(): the person wants long lines the other way.
    """

    copy_pressed = Signal(int)
    save_pressed = Signal(int)
    wrap_pressed = Signal()

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.copy_buttons: list[IconButton] = []
        self.save_buttons: list[IconButton] = []
        self.wrap_buttons: list[IconButton] = []

    def place(self, cards: Sequence[CodeCard], wrappable: set[int]) -> None:
        """Show the buttons of these cards; ``wrappable`` has the first blocks of those with lines that are too long."""
        shown = cards[:MOST_CARDS]
        while len(self.copy_buttons) < len(shown):
            self._make(len(self.copy_buttons))
        for buttons in (self.copy_buttons, self.save_buttons, self.wrap_buttons):
            for button in buttons[len(shown) :]:
                button.deleteLater()
            del buttons[len(shown) :]
        for index, card in enumerate(shown):
            self._place_card(index, card, wraps=card.first in wrappable)

    def _place_card(self, index: int, card: CodeCard, *, wraps: bool) -> None:
        right, top = int(card.rect.right()) - 4, int(card.rect.top()) + 3
        self.wrap_buttons[index].setVisible(wraps)
        for button in (self.copy_buttons[index], self.save_buttons[index], self.wrap_buttons[index]):
            right -= _SIDE
            button.move(right, top)

    def _make(self, index: int) -> None:
        copy = self._button("copy", self.tr("Copy code"))
        copy.clicked.connect(lambda: self.copy_pressed.emit(index))
        save = self._button("download", self.tr("Save code…"))
        save.clicked.connect(lambda: self.save_pressed.emit(index))
        wrap = self._button("wrap-text", self.tr("Wrap long lines"))
        wrap.clicked.connect(self.wrap_pressed)
        self.copy_buttons.append(copy)
        self.save_buttons.append(save)
        self.wrap_buttons.append(wrap)

    def _button(self, icon: str, label: str) -> IconButton:
        button = IconButton(icon, label, self._canvas, size=15)
        button.setFixedSize(QSize(_SIDE, _SIDE))
        button.show()
        return button
