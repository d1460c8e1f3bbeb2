"""The style tokens and the look made of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFontInfo, QImage, QPalette
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from tether_desktop import paths
from tether_desktop.ui.look import fonts, icons, stylesheet, theme
from tether_desktop.ui.look.tokens import DARK, LIGHT, THEMES, Density, Theme, sized

BACKGROUNDS = ("window", "sidebar", "surface", "hover", "selected", "bubble", "field")
BOTH = pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [value / 255 for value in QColor(color).getRgb()[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@BOTH
@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("text", ["text", "muted"])
def test_text_stands_out_from_every_background(look: Theme, background: str, text: str) -> None:
    assert contrast(look.color(text), look.color(background)) >= 4.5


@BOTH
def test_coloured_text_stands_out_where_it_is_used(look: Theme) -> None:
    pairs = [
        ("link", "window"),
        ("link", "bubble"),
        ("placeholder", "field"),
        ("placeholder", "window"),
        ("success", "window"),
        ("warning", "warning_surface"),
        ("text", "warning_surface"),
        ("danger", "danger_surface"),
        ("danger", "window"),
        ("text", "danger_surface"),
        ("muted", "danger_surface"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
        ("text", "selection"),
    ]
    low = {pair: contrast(look.color(pair[0]), look.color(pair[1])) for pair in pairs}
    assert {pair: value for pair, value in low.items() if value < 4.5} == {}


@BOTH
def test_highlighted_code_stands_out(look: Theme) -> None:
    values = {name: contrast(color, look.colors.code) for name, color in asdict(look.syntax).items()}
    assert {name: value for name, value in values.items() if value < 4.5} == {}


@BOTH
@pytest.mark.parametrize("density", ["comfortable", "compact"])
@pytest.mark.parametrize("size", [11, 15, 24])
def test_all_type_grows_with_ordinary_text_and_room_shrinks_when_it_is_compact(
    look: Theme, size: int, density: Density
) -> None:
    grown = sized(look, size, density)
    assert grown.type.body == size
    assert grown.type.small < grown.type.body < grown.type.heading < grown.type.title < grown.type.display
    assert grown.space.row >= size * 1.7
    assert (
        grown.space.control < look.space.control if density == "compact" else grown.space.control == look.space.control
    )
    assert grown.colors is look.colors


@BOTH
def test_outlines_a_person_must_find_reach_three_to_one(look: Theme) -> None:
    for token in ("accent", "border_strong", "danger"):
        assert contrast(look.color(token), look.colors.window) >= 3


@BOTH
def test_the_stylesheet_has_a_value_for_every_token_and_its_pictures_exist(look: Theme) -> None:
    sheet = stylesheet.build(look)
    assert "$" not in sheet
    pictures = [part.split('"')[0] for part in sheet.split('url("')[1:]]
    assert pictures
    assert all(Path(picture).is_file() for picture in pictures)


def test_an_unknown_colour_token_is_an_error() -> None:
    with pytest.raises(KeyError):
        LIGHT.color("mauve")


def test_both_typefaces_are_bundled_and_used(qapp: QApplication) -> None:
    assert fonts.load()
    assert QFontInfo(fonts.sans(LIGHT)).family() == "Inter"
    assert QFontInfo(fonts.sans(LIGHT, bold=True)).bold()
    assert QFontInfo(fonts.mono(LIGHT)).family() == "JetBrains Mono"
    assert QFontInfo(fonts.mono(LIGHT)).fixedPitch()


def test_every_bundled_typeface_and_icon_set_carries_its_licence() -> None:
    resources = paths.resources_dir()
    assert "SIL OPEN FONT LICENSE" in (resources / "fonts" / "Inter-LICENSE.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in (resources / "fonts" / "JetBrainsMono-LICENSE.txt").read_text(encoding="utf-8")
    assert "ISC License" in (resources / "icons" / "lucide" / "LICENSE").read_text(encoding="utf-8")


def test_switching_the_theme_changes_palette_and_widgets_and_says_so(qtbot: QtBot, look: theme.Appearance) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    with qtbot.waitSignal(look.changed):
        look.choose("dark")
    assert theme.active() is DARK
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(DARK.colors.window)
    label.ensurePolished()
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(DARK.colors.text)


def test_another_text_size_changes_the_widgets_and_comes_back_the_same(qtbot: QtBot, look: theme.Appearance) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    with qtbot.waitSignal(look.changed):
        look.resize(20, "compact")
    label.ensurePolished()
    assert label.font().pixelSize() == 20
    look.resize(15, "comfortable")
    assert theme.active() is LIGHT


def test_choosing_the_same_theme_again_disturbs_nobody(qtbot: QtBot, look: theme.Appearance) -> None:
    with qtbot.assertNotEmitted(look.changed):
        look.choose("light")


def test_an_icon_takes_the_colour_of_its_token(look: theme.Appearance) -> None:
    look.choose("dark")
    picture = icons.pixmap("square", "accent", 24, 2.0).toImage()
    assert picture.width() == 48
    assert _strongest_color(picture) == QColor(DARK.colors.accent)


def test_an_icon_button_follows_the_theme(qtbot: QtBot, look: theme.Appearance) -> None:
    button = icons.IconButton("square", "Stop", color="text", size=24)
    qtbot.addWidget(button)
    assert button.accessibleName() == "Stop"
    before = _strongest_color(button.icon().pixmap(24, 24).toImage())
    look.choose("dark")
    after = _strongest_color(button.icon().pixmap(24, 24).toImage())
    assert (before, after) == (QColor(LIGHT.colors.text), QColor(DARK.colors.text))


def test_an_unknown_icon_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")


def _strongest_color(picture: QImage) -> QColor:
    colors = [picture.pixelColor(x, y) for x in range(picture.width()) for y in range(picture.height())]
    strongest = max(colors, key=QColor.alpha)
    strongest.setAlpha(255)
    return strongest
