"""Numbers of bytes in the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale

from tether_desktop.ui.size_text import size_text


@pytest.fixture
def german() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale("de"))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_234_567, "1.2 MB"), (95_400_000, "95 MB"), (4_900_000_000, "4.9 GB")],
)
def test_sizes_are_shown_in_units_as_disks_are_sold(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.usefixtures("german")
def test_numbers_have_the_signs_of_the_language() -> None:
    assert (size_text(4_900_000_000), size_text(10**18)) == ("4,9 GB", "1.000.000,0 TB")
