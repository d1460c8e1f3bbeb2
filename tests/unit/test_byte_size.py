"""Numbers of bytes for people."""

from __future__ import annotations

import pytest

from tether_desktop.byte_size import byte_size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (-5, "0 bytes"),
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (12_288, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (95_400_000, "95 MB"),
        (4_900_000_000, "4.9 GB"),
        (16_000_000_000, "16.0 GB"),
        (2_500_000_000_000, "2.5 TB"),
        (10**18, "1,000,000.0 TB"),
    ],
)
def test_sizes_are_said_in_decimal_units_with_no_more_figures_than_help(size: int, text: str) -> None:
    assert byte_size_text(size) == text


def test_sizes_that_are_nearly_the_same_can_be_told_apart() -> None:
    assert (byte_size_text(5_020_000_000, decimals=2), byte_size_text(4_980_000_000, decimals=2)) == (
        "5.02 GB",
        "4.98 GB",
    )
