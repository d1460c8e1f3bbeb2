"""What the pages of the settings have in common: a scrolling column, headings, and errors told in place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.banner import Banner
from tether_desktop.ui.settings.setting_field import SettingField

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings


class SettingsPage(QWidget):
    """A column that scrolls, below an error as long as there is one.

    Attributes:
        banner: what went wrong.
        column: where a page puts its parts.
        fields: those of the settings table, by name.

    Signals:
        setting_changed(name, value): a row of the settings table got another value.
    """

    setting_changed = Signal(str, str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.banner = Banner()
        self.column = QVBoxLayout()
        self.fields: dict[str, SettingField] = {}
        heading = QLabel(title)
        heading.setProperty("kind", "title")
        inside = QWidget()
        inside.setLayout(self.column)
        self.column.setContentsMargins(0, 0, 14, 0)
        self.column.setSpacing(10)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        area.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for widget in (heading, self.banner):
            layout.addWidget(widget)
        layout.addWidget(area, 1)

    @Slot(object)
    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong; what the person changed shows again what holds."""
        self.banner.show_error(error)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now."""
        for name, field in self.fields.items():
            field.show_value(getattr(settings, name))

    def make_form(self, settings: Settings, names: Iterable[str]) -> QFormLayout:
        """A form with these rows of the settings table."""
        from tether_desktop.settings import setting_rows

        rows = {row.name: row for row in setting_rows()}
        form = QFormLayout()
        form.setHorizontalSpacing(20)
        form.setVerticalSpacing(12)
        for name in names:
            field = SettingField(rows[name], settings)
            field.changed.connect(self.setting_changed)
            self.fields[name] = field
            caption = QLabel(rows[name].title)
            caption.setMinimumWidth(130)
            caption.setContentsMargins(0, 6, 0, 0)
            form.addRow(caption, field)
        return form


def section(text: str) -> QLabel:
    """A heading inside a page."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("kind", "heading")
    label.setContentsMargins(0, 10, 0, 0)
    return label
