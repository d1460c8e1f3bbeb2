"""The style tokens: every colour, distance, radius and type size of the window, light and dark, at every size."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Literal

SANS = "Inter"
MONO = "JetBrains Mono"


@dataclass(frozen=True, slots=True)
class Space:
    """Distances in device-independent pixels.

    Attributes:
        column: width of a conversation's column.
        gutter: what lies before a reply's text.
        row: height of a row in a list.
        control: above and below the words of a button or a field.
        message_gap: between two messages.
        group: between what belongs together loosely.
    """

    column: int = 768
    gutter: int = 44
    row: int = 36
    control: int = 6
    message_gap: int = 6
    group: int = 16


@dataclass(frozen=True, slots=True)
class Radius:
    """Corner radii in device-independent pixels."""

    sm: int = 6
    md: int = 8
    lg: int = 12
    xl: int = 18


@dataclass(frozen=True, slots=True)
class TypeSizes:
    """Font sizes in device-independent pixels."""

    small: int = 13
    body: int = 15
    code: int = 13
    heading: int = 17
    title: int = 20
    display: int = 26


@dataclass(frozen=True, slots=True)
class SyntaxColors:
    """Colours of highlighted code, one for each kind of token."""

    keyword: str
    name: str
    string: str
    number: str
    comment: str
    operator: str
    builtin: str
    added: str
    removed: str


@dataclass(frozen=True, slots=True)
class Colors:
    """Colours by what they are for, as ``#rrggbb``.

    Attributes:
        window: behind the conversation.
        sidebar: behind the session list.
        surface: cards, folds and buttons that lie on the window.
        hover: what the pointer is over.
        selected: the chosen row of a list.
        bubble: behind what the user said.
        code: behind code.
        field: behind text a person types.
        border: hairlines around cards and between panes.
        border_strong: outlines that a person must find, at least 3:1 on the window.
        text: ordinary text.
        muted: text of less weight.
        placeholder: hints in empty fields.
        accent: the one colour of action.
        accent_hover: the same under the pointer.
        on_accent: text on the accent.
        link: addresses in text.
        success: something went well.
        warning: something needs attention.
        danger: something failed or will be lost.
        danger_surface: behind a failure.
        warning_surface: behind a notice.
        selection: behind selected text.
        scrollbar: the handle of a scroll bar.
    """

    window: str
    sidebar: str
    surface: str
    hover: str
    selected: str
    bubble: str
    code: str
    field: str
    border: str
    border_strong: str
    text: str
    muted: str
    placeholder: str
    accent: str
    accent_hover: str
    on_accent: str
    link: str
    success: str
    warning: str
    danger: str
    danger_surface: str
    warning_surface: str
    selection: str
    scrollbar: str


@dataclass(frozen=True, slots=True)
class Theme:
    """One complete look."""

    name: Literal["light", "dark"]
    colors: Colors
    syntax: SyntaxColors
    space: Space = Space()
    radius: Radius = Radius()
    type: TypeSizes = TypeSizes()

    def color(self, token: str) -> str:
        """The colour a token names; KeyError when there is no such token."""
        if token not in COLOR_TOKENS:
            raise KeyError(token)
        return str(getattr(self.colors, token))


COLOR_TOKENS = frozenset(field.name for field in fields(Colors))

LIGHT = Theme(
    name="light",
    colors=Colors(
        window="#ffffff",
        sidebar="#f5f6f8",
        surface="#f7f8fa",
        hover="#eceef2",
        selected="#e6edff",
        bubble="#edf2ff",
        code="#f5f6f8",
        field="#ffffff",
        border="#e1e4e9",
        border_strong="#878d98",
        text="#16181d",
        muted="#5b6270",
        placeholder="#6b7280",
        accent="#2f5fe0",
        accent_hover="#264fc2",
        on_accent="#ffffff",
        link="#2553cc",
        success="#187a36",
        warning="#8a5300",
        danger="#c02626",
        danger_surface="#fdf1f1",
        warning_surface="#fdf6e7",
        selection="#c8d8ff",
        scrollbar="#c3c8d0",
    ),
    syntax=SyntaxColors(
        keyword="#8a1f9e",
        name="#1f4fb8",
        string="#1d7037",
        number="#a14a00",
        comment="#646b78",
        operator="#4a5160",
        builtin="#0b6a7d",
        added="#187a36",
        removed="#b32424",
    ),
)

DARK = Theme(
    name="dark",
    colors=Colors(
        window="#1a1b1e",
        sidebar="#141518",
        surface="#202226",
        hover="#2a2d33",
        selected="#26324d",
        bubble="#26324d",
        code="#131417",
        field="#1f2124",
        border="#303338",
        border_strong="#757b86",
        text="#e8eaee",
        muted="#9ea5b1",
        placeholder="#8f96a3",
        accent="#7ba0ff",
        accent_hover="#94b2ff",
        on_accent="#0f1420",
        link="#8fb0ff",
        success="#4cc574",
        warning="#e0ab4b",
        danger="#ff8080",
        danger_surface="#2e1d1f",
        warning_surface="#2b2519",
        selection="#34508f",
        scrollbar="#454a53",
    ),
    syntax=SyntaxColors(
        keyword="#cf8ef0",
        name="#7fb2ff",
        string="#8fce8b",
        number="#eba76b",
        comment="#8b93a1",
        operator="#b3bac6",
        builtin="#6fcbd8",
        added="#6fce85",
        removed="#ff8f8f",
    ),
)

THEMES = {"light": LIGHT, "dark": DARK}

Density = Literal["comfortable", "compact"]

_COMPACT = Space(row=30, control=3, message_gap=0, group=10)


@lru_cache
def sized(theme: Theme, text_size: int, density: Density) -> Theme:
    """A look at another size of ordinary text, in device-independent pixels, and with another amount of room."""
    if text_size == theme.type.body and density == "comfortable":
        return theme
    space = _COMPACT if density == "compact" else theme.space
    grown = round((text_size - theme.type.body) * 1.5)
    return replace(
        theme,
        space=replace(space, column=round(space.column * text_size / theme.type.body), row=space.row + grown),
        type=TypeSizes(
            **{
                field.name: round(getattr(theme.type, field.name) * text_size / theme.type.body)
                for field in fields(TypeSizes)
            }
        ),
    )
