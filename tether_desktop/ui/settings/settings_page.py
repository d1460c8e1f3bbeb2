"""What the pages of the settings have in common: a scrolling column, headings, fields, and errors told in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.banner import Banner
from tether_desktop.ui.look import spacing
from tether_desktop.ui.settings.page_table import PageFacts, page_named, page_words
from tether_desktop.ui.settings.setting_field import SettingField

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings
    from tether_desktop.ui.settings.setting_editors import Editor

_CORNER = 40
"""What the button that closes the settings takes beside the heading."""

_NARROW = 48
"""Characters of a page's width, below which words and controls do not stand side by side."""


class SettingsPage(QWidget):
    """A column that scrolls, below an error as long as there is one.

    Attributes:
        facts: its name and rows.
        banner: what went wrong.
        column: where a page puts its parts.
        fields: those of the settings table, by name.

    Signals:
        setting_changed(name, value): a row of the settings table got another value; None is its default.
        restart_requested(): a value that holds when Tether is started again is to hold now.
    """

    setting_changed = Signal(str, object)
    restart_requested = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """``name`` is one of ``PAGE_NAMES``."""
        super().__init__(parent)
        self.facts: PageFacts = page_named(name)
        self.banner = Banner()
        self.column = QVBoxLayout()
        self.fields: dict[str, SettingField] = {}
        heading = QLabel(self.facts.translated)
        heading.setProperty("kind", "title")
        inside = QWidget()
        inside.setLayout(self.column)
        self.column.setContentsMargins(spacing.HAIR, spacing.HAIR, spacing.LARGE, spacing.SMALL)
        self.column.setSpacing(spacing.LARGE)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inside)
        self._area.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.MEDIUM)
        for widget in (heading, self.banner):
            layout.addWidget(widget)
        heading.setContentsMargins(0, 0, _CORNER, 0)
        layout.addWidget(self._area, 1)

    @Slot(object)
    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong; what the person changed shows again what holds."""
        self.banner.show_error(error)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now; a field with something wrong in it stays as it is."""
        for name, field in self.fields.items():
            field.show_value(getattr(settings, name))

    def show_started(self, settings: Settings) -> None:
        """Know the values that Tether was started with: where another one is chosen, it can be started again."""
        for name, field in self.fields.items():
            field.show_started(getattr(settings, name))

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say beside rows of the settings table why the values that hold there do nothing."""
        for name in problems.keys() & self.fields.keys():
            self.fields[name].show_problem(problems[name])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Put controls below their words where the page is narrow for the text size."""
        super().resizeEvent(event)
        for field in self.fields.values():
            field.set_narrow(narrow=self.is_narrow(_NARROW))

    def is_narrow(self, characters: int) -> bool:
        """Whether there is no room for so many characters beside each other."""
        return self.width() < characters * self.fontMetrics().averageCharWidth()

    def go_to(self, row: str) -> None:
        """Give the keyboard to a row of the settings table, where it can be seen."""
        field = self.fields.get(row)
        if field is not None:
            self._area.ensureWidgetVisible(field, 0, 48)
            field.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def add_groups(self, settings: Settings) -> None:
        """Put all rows of the page into its column, under their headings."""
        for group in self.facts.groups:
            if group.heading:
                self.column.addWidget(section(page_words(group.heading)))
            self.add_fields(settings, group.rows)

    def add_fields(self, settings: Settings, names: Iterable[str]) -> None:
        """Put rows of the settings table into the column."""
        for name in names:
            self.column.addWidget(self.make_field(settings, name))

    def make_field(self, settings: Settings, name: str, editor: Editor | None = None) -> SettingField:
        """The field of a row, which tells its changes by ``setting_changed``."""
        from tether_desktop.settings import setting_rows

        row = next(each for each in setting_rows() if each.name == name)
        field = SettingField(row, settings, editor)
        field.changed.connect(self.setting_changed)
        field.restart_button.clicked.connect(self.restart_requested)
        self.fields[name] = field
        return field


def section(text: str) -> QLabel:
    """A heading inside a page."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("kind", "heading")
    label.setContentsMargins(0, spacing.MEDIUM, 0, 0)
    return label
