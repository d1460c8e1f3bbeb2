"""The bundled line icons (Lucide), drawn in the colours of the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QToolButton, QWidget

from tether_desktop import paths
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.mirror import turned
from tether_desktop.ui.look.tokens import Theme

CONFIRM_MS = 1_500
_NOTHING = '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"/>'
_PROGRAM_SIDES = (16, 24, 32, 48, 64, 128)


def icon(name: str, color: str = "muted", *, size: int = 18) -> QIcon:
    """An icon by its Lucide name, in the colour token ``color`` of the active theme.

    ``size`` is in device-independent pixels; set the widget's ``iconSize`` to the same, since list views scale icons
    up with the screen. Disabled widgets show it in the placeholder colour.
    """
    return _icon(name, color, size, theme.active(), _pixel_ratios())


def pixmap(name: str, color: str, size: int, ratio: float) -> QPixmap:
    """The icon as a picture for painting, sharp at the device pixel ratio of the widget."""
    return _pixmap(name, theme.active().color(color), size, ratio)


def program_icon() -> QIcon:
    """The program's own icon, for its windows."""
    drawing = QSvgRenderer(str(paths.resources_dir() / "icons" / "tether.svg"))
    result = QIcon()
    for side in _PROGRAM_SIDES:
        picture = QPixmap(side, side)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        drawing.render(painter)
        painter.end()
        result.addPixmap(picture)
    return result


def _pixel_ratios() -> tuple[float, ...]:
    return tuple(sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()} or {1.0}))


@lru_cache(maxsize=512)
def _icon(name: str, color: str, size: int, look: Theme, ratios: tuple[float, ...]) -> QIcon:
    result = QIcon()
    for mode, shown in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, "placeholder")):
        for ratio in ratios:
            result.addPixmap(_pixmap(name, look.color(shown), size, ratio), mode)
    return result


@lru_cache(maxsize=1024)
def _pixmap(name: str, color: str, size: int, ratio: float) -> QPixmap:
    drawing = QSvgRenderer(_svg(name, color))
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    drawing.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


def _svg(name: str, color: str) -> QByteArray:
    folder = paths.resources_dir() / "icons" / "lucide"
    try:
        text = (folder / f"{name}.svg").read_text(encoding="utf-8")
    except OSError:
        if folder.is_dir():
            raise
        text = _NOTHING  # the program was removed under its window, which goes on without pictures
    # A thinner line than Lucide's own sits better beside text of regular weight.
    text = text.replace("currentColor", color).replace('stroke-width="2"', 'stroke-width="1.75"')
    return QByteArray(text.encode())


class IconButton(QToolButton):
    """A flat button with one icon, which follows the theme.

    Args:
        name: the icon's Lucide name.
        label: what the button does; its tooltip and its name for screen readers.
        color: the icon's colour token.
        size: side of the icon in device-independent pixels.
    """

    def __init__(
        self, name: str, label: str, parent: QWidget | None = None, *, color: str = "muted", size: int = 18
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._color = color
        self._size = size
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setIconSize(QSize(size, size))
        self.set_label(label)
        self._confirmed = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._confirmed.timeout.connect(self._refresh)
        self._refresh()

    def set_icon(self, name: str, color: str | None = None) -> None:
        """Show another icon, or the same in another colour."""
        self._name = name
        self._color = color or self._color
        self._refresh()

    def set_label(self, label: str) -> None:
        """Say anew what the button does."""
        self.setToolTip(label)
        self.setAccessibleName(label)

    def confirm(self) -> None:
        """Show for a moment that it worked."""
        self.setIcon(icon("check", "success", size=self._size))
        self._confirmed.start()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.StyleChange, QEvent.Type.LayoutDirectionChange}:
            self._refresh()

    def _refresh(self) -> None:
        self.setIcon(icon(turned(self._name, self), self._color, size=self._size))
