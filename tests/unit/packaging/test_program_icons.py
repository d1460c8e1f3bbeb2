"""The program's icon in every size and container, from one drawing."""

from __future__ import annotations

import struct
from pathlib import Path

from PySide6.QtGui import QImage


def test_every_picture_is_as_large_as_its_name_says_and_is_drawn(tmp_path: Path) -> None:
    import program_icons

    program_icons.write_icons(tmp_path)
    for side in program_icons.LINUX_SIDES:
        picture = QImage(str(tmp_path / f"{side}.png"))
        assert (picture.width(), picture.height()) == (side, side)
        assert picture.pixelColor(0, 0).alpha() == 0, "the corners are free"
        assert picture.pixelColor(side // 2, side // 2).alpha() == 255


def test_the_icon_of_windows_has_an_entry_for_each_size_that_leads_to_its_picture() -> None:
    import program_icons

    pictures = program_icons.draw(list(program_icons.ICO_SIDES))
    made = program_icons.ico(pictures)
    _, kind, count = struct.unpack_from("<HHH", made)
    assert (kind, count) == (1, len(pictures))
    for number, side in enumerate(program_icons.ICO_SIDES):
        width, _, _, _, _, depth, length, at = struct.unpack_from("<BBBBHHII", made, 6 + 16 * number)
        assert (width or 256, depth) == (side, 32)
        assert made[at : at + length] == pictures[side]


def test_the_icon_of_macos_is_a_chain_of_entries_that_fills_the_file() -> None:
    import program_icons

    pictures = program_icons.draw(list(program_icons.ICNS_TYPES))
    made = program_icons.icns(pictures)
    assert struct.unpack_from(">4sI", made) == (b"icns", len(made))
    at, found = 8, {}
    while at < len(made):
        kind, length = struct.unpack_from(">4sI", made, at)
        found[kind.decode()] = made[at + 8 : at + length]
        at += length
    assert at == len(made)
    assert found == {kind: pictures[side] for side, kinds in program_icons.ICNS_TYPES.items() for kind in kinds}


def test_the_same_drawing_gives_the_same_bytes() -> None:
    import program_icons

    assert program_icons.draw([48]) == program_icons.draw([48])
