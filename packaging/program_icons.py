"""Draws the program's icon from its one SVG in every size and container that the systems ask for."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "resources/icons/tether.svg"
TARGET = ROOT / "build/icons"
LINUX_SIDES = (16, 22, 24, 32, 48, 64, 96, 128, 256, 512)
ICO_SIDES = (16, 20, 24, 32, 40, 48, 64, 128, 256)
ICNS_TYPES = {
    16: ("icp4",),
    32: ("icp5", "ic11"),
    64: ("ic12",),
    128: ("ic07",),
    256: ("ic08", "ic13"),
    512: ("ic09", "ic14"),
    1024: ("ic10",),
}
"""Apple's types of PNG entries by the side in pixels; a second type is the same picture for a screen twice as fine."""


def main() -> None:
    """Draw everything into ``build/icons``, or into the folder that is named."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    for path in write_icons(target):
        print(path)


def write_icons(target: Path) -> list[Path]:
    """Write ``tether.ico``, ``tether.icns`` and ``<side>.png`` for each side; what was written."""
    pictures = draw(sorted({*LINUX_SIDES, *ICO_SIDES, *ICNS_TYPES}))
    files = {f"{side}.png": picture for side, picture in pictures.items()}
    files["tether.ico"] = ico({side: pictures[side] for side in ICO_SIDES})
    files["tether.icns"] = icns({side: pictures[side] for side in ICNS_TYPES})
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    return [target / name for name in files]


def draw(sides: list[int]) -> dict[int, bytes]:
    """The icon as PNG, by its side in pixels; Qt draws it, which is there anyway."""
    from PySide6.QtCore import QBuffer, QIODevice
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    drawing = QSvgRenderer(str(SOURCE))
    pictures = {}
    for side in sides:
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]  # which is right, whatever its stub says
        pictures[side] = bytes(buffer.data().data())
    return pictures


def ico(pictures: Mapping[int, bytes]) -> bytes:
    """A Windows icon of PNG entries, which Windows reads since Vista; 256 is written as 0."""
    head = io.BytesIO()
    head.write(struct.pack("<HHH", 0, 1, len(pictures)))
    at = 6 + 16 * len(pictures)
    for side, picture in sorted(pictures.items()):
        head.write(struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(picture), at))
        at += len(picture)
    return head.getvalue() + b"".join(picture for _, picture in sorted(pictures.items()))


def icns(pictures: Mapping[int, bytes]) -> bytes:
    """An icon of macOS: entries of a type, a length and a PNG, in a container of the same shape."""
    entries = b"".join(
        kind.encode() + struct.pack(">I", 8 + len(picture)) + picture
        for side, picture in sorted(pictures.items())
        for kind in ICNS_TYPES[side]
    )
    return b"icns" + struct.pack(">I", 8 + len(entries)) + entries


if __name__ == "__main__":
    main()
