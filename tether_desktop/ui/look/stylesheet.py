"""The one stylesheet, generated from the style tokens.

Widgets choose their look by the dynamic property ``kind``:

===============  =======================================================================
widget           kinds
===============  =======================================================================
QPushButton      (none: outlined), ``primary``, ``ghost``, ``danger``, ``row``, ``disclosure``, ``answer``
QToolButton      (none: flat icon), ``round`` (filled circle), ``outlined``
QLabel           ``display``, ``title``, ``heading``, ``strong``, ``muted``, ``small``, ``danger``, ``success``,
                 ``warning``
QFrame, QWidget  ``sidebar``, ``card``, ``well``, ``danger_card``, ``question_card``, ``notice``, ``field``, ``line``,
                 ``topbar``, ``chip``, ``drop``
QLineEdit        (none: outlined), ``bare``, ``code`` (code face), ``cell`` (within a row)
QPlainTextEdit   (none: outlined), ``bare``
QListWidget      ``texts`` (outlined)
QTextEdit        ``plain`` (code face, no frame)
===============  =======================================================================
"""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from PySide6.QtWidgets import QWidget

from tether_desktop import paths
from tether_desktop.ui.look.tokens import MONO, SANS, Theme


def build(theme: Theme) -> str:
    """The stylesheet of the whole program in one theme."""
    sizes = {f"type_{name}": f"{size}px" for name, size in asdict(theme.type).items()}
    room = {"space_control": f"{theme.space.control}px", "space_inner": f"{theme.space.control - 1}px"}
    radii = {f"radius_{name}": f"{size}px" for name, size in asdict(theme.radius).items()}
    pictures = {"image_chevron_down": _picture(theme, "chevron-down"), "image_check": _picture(theme, "check")}
    pictures |= {"image_chevron_up": _picture(theme, "chevron-up")}
    values = asdict(theme.colors) | sizes | room | radii | pictures
    template = (paths.resources_dir() / "style" / "tether.qss").read_text(encoding="utf-8")
    return Template(template).substitute(values, sans=SANS, mono=MONO)


def set_kind(widget: QWidget, kind: str) -> None:
    """Give a widget another look while it is shown; Qt re-reads properties only when asked."""
    if widget.property("kind") != kind:
        widget.setProperty("kind", kind)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def _picture(theme: Theme, name: str) -> str:
    return (paths.resources_dir() / "style" / f"{name}-{theme.name}.svg").as_posix()
