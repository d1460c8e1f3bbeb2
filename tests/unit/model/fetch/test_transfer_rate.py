"""Downloads tell how much is there and how fast more comes."""

from __future__ import annotations

from tether_desktop.model.fetch.transfer_rate import TransferRate


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = 0.0
    rate = TransferRate(lambda: now)
    assert rate.describe(0, 93_000_000) == "0 of 93 MB"
    now = 0.5
    assert rate.describe(10_000_000, 93_000_000) == "10 of 93 MB"
    now = 2.0
    assert rate.describe(20_000_000, 93_000_000) == "20 of 93 MB, 10.0 MB/s"
    for now in (3.0, 6.0, 9.0, 12.0):
        told = rate.describe(20_000_000 + int((now - 2) * 1_000_000), 93_000_000)
    assert told == "30 of 93 MB, 1.0 MB/s"


def test_a_size_that_nobody_knows_is_left_out() -> None:
    assert TransferRate().describe(5_400_000, None) == "5 MB"


def test_a_download_that_began_anew_has_no_rate_below_zero() -> None:
    now = 0.0
    rate = TransferRate(lambda: now)
    rate.describe(50_000_000, None)
    now = 2.0
    assert rate.describe(1_000_000, None) == "1 MB"
