"""The folders that the file tools may read."""

from __future__ import annotations

import os
from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import path_label, plain_label


class FolderList(QWidget):
    """Folders with a button each to take them off, and one to add another.

    Attributes:
        folders: what is shown.

    Signals:
        changed(value): the folders as the settings table keeps them.
    """

    changed = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, nothing: str = "", asked: str = "") -> None:
        """``nothing`` stands where there are none, ``asked`` above the dialog; by default those of the file tools."""
        super().__init__(parent)
        self._nothing = nothing or self.tr("None: the file tools can read nothing.")
        self._asked = asked or self.tr("A folder that the file tools may read")
        self.folders: tuple[str, ...] = ()
        self.remove_buttons: dict[str, IconButton] = {}
        self.add_button = ThemedButton(self.tr("Add a folder…"), "folder-open")
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self._on_add)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(spacing.HAIR)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.NEAR)
        layout.addLayout(self._rows)
        bottom = QHBoxLayout()
        bottom.addWidget(self.add_button)
        bottom.addStretch(1)
        layout.addLayout(bottom)
        self.show_value("")

    def show_value(self, value: str) -> None:
        """Show the folders of the settings table."""
        self.folders = tuple(part.strip() for part in value.split(os.pathsep) if part.strip())
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.remove_buttons.clear()
        for folder in self.folders:
            self._rows.addWidget(self._make_row(folder))
        if not self.folders:
            self._rows.addWidget(plain_label("muted", self._nothing))

    @Slot(str)
    def add(self, folder: str) -> None:
        """Let the tools read one more folder."""
        if folder and folder not in self.folders:
            self._change((*self.folders, folder))

    def _change(self, folders: Iterable[str]) -> None:
        """Show them at once, so that what is changed next is changed in these."""
        value = os.pathsep.join(folders)
        self.show_value(value)
        self.changed.emit(value)

    def _make_row(self, folder: str) -> QWidget:
        row = QWidget()
        button = IconButton("x", self.tr("Take off {folder}").format(folder=folder), size=16)
        button.clicked.connect(lambda: self._remove(folder))
        self.remove_buttons[folder] = button
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(path_label("", folder), 1)
        layout.addWidget(button)
        return row

    def _remove(self, folder: str) -> None:
        self._change(each for each in self.folders if each != folder)

    @Slot()
    def _on_add(self) -> None:
        dialog = QFileDialog(self, self._asked)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.add)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
