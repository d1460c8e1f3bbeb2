"""The settings of one chat: what the model is told first, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.composer.override_field import OverrideField
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label

if TYPE_CHECKING:
    from tether_desktop.settings import Settings

_SIZE = (560, 640)
_FRAME = 56


class ChatSettingsDialog(QDialog):
    """A field for each setting that a chat can have for itself; what is changed holds from the next answer on.

    Attributes:
        fields: by the names of the settings.

    Signals:
        changed(overrides): the values that the chat has for itself now.
        persona_requested(name, overrides): keep them under a name.
    """

    changed = Signal(object)
    persona_requested = Signal(str, object)

    def __init__(self, settings: Settings, overrides: Mapping[str, Any], parent: QWidget | None = None) -> None:
        """``settings`` hold where the chat has nothing of its own in ``overrides``."""
        from tether_desktop.settings import CONVERSATION_SETTINGS, setting_rows

        super().__init__(parent)
        self.setWindowTitle(self.tr("Chat settings"))
        rows = {row.name: row for row in setting_rows()}
        self.fields = {name: OverrideField(rows[name], settings, overrides.get(name)) for name in CONVERSATION_SETTINGS}
        for field in self.fields.values():
            field.changed.connect(self._on_changed)
        self.reset_button = ThemedButton(self.tr("Reset all"), "rotate-ccw")
        self.reset_button.clicked.connect(self._on_reset)
        self.name_edit = QLineEdit()
        self.name_edit.setAccessibleName(self.tr("Name of the persona"))
        self.name_edit.setPlaceholderText(self.tr("Name, such as Proofreader"))
        self.name_edit.setMaxLength(60)
        self.name_edit.textChanged.connect(self._refresh)
        self.persona_button = ThemedButton(self.tr("Save as persona"), "user-round")
        self.persona_button.clicked.connect(self._on_persona)
        self.said_label = plain_label("success")
        self.said_label.hide()
        self.close_button = ThemedButton(self.tr("Close"), kind="primary")
        self.close_button.clicked.connect(self.accept)
        for button in (self.reset_button, self.persona_button, self.close_button):
            button.setAutoDefault(False)
        self._lay_out()
        self._refresh()

    @property
    def overrides(self) -> dict[str, Any]:
        """The values that the chat has for itself."""
        return {name: field.own for name, field in self.fields.items() if field.own is not None}

    def say(self, text: str, *, failed: bool = False) -> None:
        """Say that something was done, or why not."""
        set_kind(self.said_label, "danger_text" if failed else "success")
        self.said_label.setText(text)
        self.said_label.show()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, spacing.MEDIUM, 0)
        column.setSpacing(spacing.LARGE)
        for field in self.fields.values():
            column.addWidget(field)
        scroll = QScrollArea()
        scroll.setAccessibleName(self.tr("Chat settings"))
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        for each in (inside, scroll.viewport()):
            each.setAutoFillBackground(False)
        title = QLabel(self.tr("Chat settings"))
        title.setProperty("kind", "title")
        about = plain_label("muted", self.tr("They hold in this chat only, from the next answer on."))
        keep = QHBoxLayout()
        keep.setSpacing(spacing.SMALL)
        keep.addWidget(self.name_edit, 1)
        keep.addWidget(self.persona_button)
        bottom = QHBoxLayout()
        bottom.addWidget(self.reset_button)
        bottom.addStretch(1)
        bottom.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.WIDE, spacing.LARGE, spacing.WIDE, spacing.LARGE)
        layout.setSpacing(spacing.MEDIUM)
        layout.addWidget(title)
        layout.addWidget(about)
        layout.addWidget(scroll, 1)
        layout.addLayout(keep)
        layout.addWidget(self.said_label)
        layout.addLayout(bottom)
        room = self.screen().availableSize()
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - _FRAME))

    @Slot()
    def _refresh(self) -> None:
        own = bool(self.overrides)
        self.reset_button.setEnabled(own)
        self.persona_button.setEnabled(own and bool(self.name_edit.text().strip()))

    @Slot(str, object)
    def _on_changed(self, _name: str, _value: object) -> None:
        self._refresh()
        self.changed.emit(self.overrides)

    @Slot()
    def _on_reset(self) -> None:
        for field in self.fields.values():
            if field.own is not None:
                field.reset()

    @Slot()
    def _on_persona(self) -> None:
        self.persona_requested.emit(self.name_edit.text().strip(), self.overrides)
