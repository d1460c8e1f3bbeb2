"""The look of the running program: which theme is on, and telling everybody when it changes."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from tether_desktop.ui.look import fonts, stylesheet
from tether_desktop.ui.look.tokens import LIGHT, THEMES, Density, Theme, sized

ThemeChoice = Literal["system", "light", "dark"]


class Appearance(QObject):
    """Keeps application font, palette and stylesheet in step with the chosen theme.

    Attributes:
        app: the application that has this look.
        theme: the theme that is on, at the size that is on.
        still: whether nothing may move but the text that comes.

    Signals:
        changed: another theme is on; widgets that paint for themselves repaint.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: ThemeChoice, text_size: int, density: Density) -> None:
        super().__init__(app)
        self.app = app
        self._choice: ThemeChoice = choice
        self._text_size = text_size
        self._density: Density = density
        self.theme = LIGHT
        self.still = False

    def put_on(self) -> None:
        """Give the application the look, and follow the desktop from now on."""
        fonts.load()
        self.app.setStyle(QStyleFactory.create("Fusion"))
        self.app.styleHints().colorSchemeChanged.connect(self._on_color_scheme)
        self._apply(self._wanted())

    @property
    def choice(self) -> ThemeChoice:
        """What the person chose; ``system`` follows the desktop while the program runs."""
        return self._choice

    def choose(self, choice: ThemeChoice) -> None:
        """Change the theme of every window at once."""
        self._choice = choice
        self._refresh()

    def resize(self, text_size: int, density: Density) -> None:
        """Change the size of ordinary text, in device-independent pixels, and the room around it, everywhere."""
        self._text_size, self._density = text_size, density
        self._refresh()

    def use(self, choice: ThemeChoice, text_size: int, density: Density, *, still: bool) -> None:
        """Change all of it, in one go."""
        self._choice, self.still = choice, still
        self.resize(text_size, density)

    def _on_color_scheme(self, _scheme: Qt.ColorScheme) -> None:
        self._refresh()

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self.theme:
            self._apply(wanted)
            self.changed.emit()

    def _wanted(self) -> Theme:
        # The scheme is Unknown under a bare X11, where light is the safer guess.
        dark = self.app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        named = ("dark" if dark else "light") if self._choice == "system" else self._choice
        return sized(THEMES[named], self._text_size, self._density)

    def _apply(self, theme: Theme) -> None:
        self.theme = theme
        self.app.setFont(fonts.sans(theme))
        self.app.setPalette(palette(theme))
        self.app.setStyleSheet(stylesheet.build(theme))


_current: list[Appearance] = []


def install(
    app: QApplication,
    choice: ThemeChoice = "system",
    text_size: int = LIGHT.type.body,
    density: Density = "comfortable",
) -> Appearance:
    """Give the application its look; a second call only changes it."""
    if _current:
        _current[0].use(choice, text_size, density, still=_current[0].still)
    else:
        _current.append(Appearance(app, choice, text_size, density))
        # Only now, since widgets that are there already ask for the active theme while they are styled.
        _current[0].put_on()
    return _current[0]


def appearance() -> Appearance:
    """The installed look; RuntimeError before ``install``."""
    if not _current:
        raise RuntimeError("theme.install() has not been called")
    return _current[0]


def active() -> Theme:
    """The theme that is on; light before ``install``."""
    return _current[0].theme if _current else LIGHT


def still() -> bool:
    """Whether nothing may move but the text that comes."""
    return bool(_current) and _current[0].still


def palette(theme: Theme) -> QPalette:
    """Qt's palette in the theme's colours, for everything that the stylesheet leaves to Fusion."""
    colors = theme.colors
    roles = {
        QPalette.ColorRole.Window: colors.window,
        QPalette.ColorRole.WindowText: colors.text,
        QPalette.ColorRole.Base: colors.field,
        QPalette.ColorRole.AlternateBase: colors.surface,
        QPalette.ColorRole.Text: colors.text,
        QPalette.ColorRole.PlaceholderText: colors.placeholder,
        QPalette.ColorRole.Button: colors.surface,
        QPalette.ColorRole.ButtonText: colors.text,
        QPalette.ColorRole.Highlight: colors.selection,
        QPalette.ColorRole.HighlightedText: colors.text,
        QPalette.ColorRole.Accent: colors.accent,
        QPalette.ColorRole.Link: colors.link,
        QPalette.ColorRole.LinkVisited: colors.link,
        QPalette.ColorRole.ToolTipBase: colors.surface,
        QPalette.ColorRole.ToolTipText: colors.text,
        QPalette.ColorRole.BrightText: colors.danger,
        QPalette.ColorRole.Light: colors.surface,
        QPalette.ColorRole.Midlight: colors.hover,
        QPalette.ColorRole.Mid: colors.border,
        QPalette.ColorRole.Dark: colors.border_strong,
        QPalette.ColorRole.Shadow: colors.border,
    }
    result = QPalette()
    for role, color in roles.items():
        result.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(colors.placeholder))
    return result
