"""The chips of the files that go with the question, above its words."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from tether_desktop.ui.composer.attached_files import AttachedFiles, FileEntry
from tether_desktop.ui.composer.file_chip import RemovableChip
from tether_desktop.ui.look.flow_layout import FlowLayout

_MOST_ROWS = 3
"""More of them scroll."""


class FileRow(QScrollArea):
    """Shows the files of what is being written; hidden while there are none.

    Attributes:
        chips: by the keys of the entries.

    Signals:
        opened(key): show what is in a file.
        read_again(key): the newer file is wanted.
        unfolded(key): its text is wanted in the message.
        emptied(): the last chip was taken off by hand, so that the keyboard has to go elsewhere.
    """

    opened = Signal(int)
    read_again = Signal(int)
    unfolded = Signal(int)
    emptied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files: AttachedFiles | None = None
        self.chips: dict[Hashable, RemovableChip] = {}
        inside = QWidget()
        self._flow = FlowLayout(inside)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Attached files"))
        for each in (inside, self.viewport()):
            each.setAutoFillBackground(False)
        self.hide()

    def show_files(self, files: AttachedFiles) -> None:
        """Show these from now on."""
        if self._files is not None:
            self._files.changed.disconnect(self._on_changed)
        self._files = files
        files.changed.connect(self._on_changed)
        self._on_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def event(self, event: QEvent) -> bool:
        """Other words, or a new look, need another height."""
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.StyleChange, QEvent.Type.Show}:
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        chips = [chip.sizeHint().height() for chip in self.chips.values()]
        if chips:
            most = _MOST_ROWS * (max(chips) + self._flow.spacing()) - self._flow.spacing()
            self.setFixedHeight(min(most, self._flow.heightForWidth(self.viewport().width())))

    @Slot()
    def _on_changed(self) -> None:
        entries = self._files.entries if self._files is not None else ()
        keys = [entry.key for entry in entries]
        for gone in [key for key in self.chips if key not in keys]:
            chip = self.chips.pop(gone)
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for place, entry in enumerate(entries):
            if entry.key not in self.chips:
                self.chips[entry.key] = self._make(entry.key)
                self._flow.insert(place, self.chips[entry.key])
                self.chips[entry.key].show()
            self._fill(self.chips[entry.key], entry)
        self.setVisible(bool(entries))
        self._fit()

    def _make(self, key: int) -> RemovableChip:
        chip = RemovableChip(self.widget())
        chip.clicked.connect(partial(self.opened.emit, key))
        chip.removed.connect(partial(self._on_removed, key))
        chip.read_again.connect(partial(self.read_again.emit, key))
        chip.unfolded.connect(partial(self.unfolded.emit, key))
        return chip

    def _fill(self, chip: RemovableChip, entry: FileEntry) -> None:
        if entry.file is None:
            chip.show_note(entry.name, self.tr("Reading…"))
        elif entry.file.changed:
            chip.attachment = entry.file.attachment
            chip.show_note(entry.name, self.tr("Changed since it was read"), color="warning")
        else:
            chip.show_file(entry.file.attachment, entry.tokens)
        chip.name_buttons(entry.name)
        chip.again_button.setVisible(entry.file is not None and entry.file.changed)
        chip.text_button.setVisible(entry.file is not None and entry.path is None)

    def _on_removed(self, key: int) -> None:
        if self._files is None:
            return
        keys = [entry.key for entry in self._files.entries]
        place = keys.index(key)
        self._files.remove(key)
        left = [self.chips[each] for each in keys if each != key]
        if left:
            left[min(place, len(left) - 1)].setFocus()
        else:
            self.emptied.emit()
