"""The time in any place, by the names that people use."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.world_clock import convert_time, current_time, describe
from tether_desktop.tools.builtin.zone_names import find_zone


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system's zone cannot be chosen by a test")

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("asia/tokyo", "Asia/Tokyo"),
        ("Tokyo", "Asia/Tokyo"),
        (" new   york ", "America/New_York"),
        ("New_York", "America/New_York"),
        ("Paris, France", "Europe/Paris"),
        ("San Francisco", "America/Los_Angeles"),
        ("münchen", "Europe/Berlin"),
        ("Beijing", "Asia/Shanghai"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ],
)
def test_a_zone_is_found_by_its_name_or_a_city(text: str, name: str) -> None:
    assert find_zone(text) == ZoneInfo(name)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("UTC", 0), ("gmt", 0), ("z", 0), ("UTC+2", 2), ("+05:30", 5.5), ("utc -0330", -3.5), ("GMT−5", -5)],
)
def test_a_zone_may_be_an_offset(text: str, hours: float) -> None:
    assert find_zone(text).utcoffset(None) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Tokio", "Did you mean Asia/Tokyo"),
        ("Pariss", "Europe/Paris"),
        ("xyzzy", "Use a large city"),
        ("../../etc/passwd", "Use a large city"),
        ("UTC+20", "that far from UTC"),
        ("a" * 10_000, "Use a large city"),
        ("\0", "Use a large city"),
    ],
)
def test_an_unknown_place_is_told_with_those_that_come_close(text: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        find_zone(text)


def test_a_moment_is_told_with_weekday_and_offset() -> None:
    moment = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert describe(moment, find_zone("Tokyo")) == "Monday, 2026-03-02 08:30 in Asia/Tokyo (UTC+09:00)"
    assert describe(moment, find_zone("-3:30")) == "Sunday, 2026-03-01 20:00 in UTC-03:30 (UTC-03:30)"
    assert "23:30:07 in UTC" in describe(moment.replace(second=7), UTC)


def test_the_current_time_is_the_current_time() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = re.search(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d(:\d\d)?) in Asia/Tokyo", current_time("Tokyo"))
    assert found
    told = datetime.fromisoformat(f"{found[1]}T{found[2]}+09:00")
    assert before <= told <= datetime.now(UTC)


def test_without_a_place_it_is_this_computers_time(live_in: Callable[[str], None]) -> None:
    live_in("XYZ-3")
    assert current_time().endswith("in XYZ (UTC+03:00)")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-01 15:30", "Sunday, 2026-03-01 23:30 in Asia/Tokyo"),
        ("2026-03-01T15:30:15", "23:30:15 in Asia/Tokyo"),
        ("2026-03-01 3:30 pm", "23:30 in Asia/Tokyo"),
        ("2026-03-01 12 a.m.", "08:00 in Asia/Tokyo"),
        ("2026-03-01 24:00", "Monday, 2026-03-02 08:00 in Asia/Tokyo"),
    ],
)
def test_a_time_is_converted(given: str, expected: str) -> None:
    assert expected in convert_time(given, "UTC+1", "Tokyo").splitlines()[1]


def test_words_for_times_are_understood() -> None:
    assert "12:00 in UTC" in convert_time("noon", "UTC", "UTC")
    assert "00:00 in UTC" in convert_time("midnight", "UTC", "UTC")


def test_the_day_of_a_time_without_a_date_is_the_one_over_there() -> None:
    before = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    told = convert_time("12:00", "Pacific/Kiritimati", "Pacific/Kiritimati")
    assert str(before) in told or str(before + timedelta(days=1)) in told


def test_changes_of_the_clock_are_told() -> None:
    skipped = convert_time("2026-03-29 02:30", "Berlin", "UTC")
    assert "That time is skipped there" in skipped
    twice = convert_time("2026-10-25 02:30", "Berlin", "UTC")
    assert "00:30 in UTC" in twice
    assert "comes twice" in twice


def test_this_computers_clock_has_the_rules_of_the_day_that_is_asked_for(live_in: Callable[[str], None]) -> None:
    live_in("CET-1CEST,M3.5.0,M10.5.0/3")
    assert "11:00 in UTC" in convert_time("2026-01-15 12:00", "", "UTC")
    assert "10:00 in UTC" in convert_time("2026-07-15 12:00", "", "UTC")
    assert "12:00 in CEST (UTC+02:00)" in convert_time("2026-07-15 10:00", "UTC", "")
    assert "02:30 in CET (UTC+01:00)" in convert_time("2026-10-25 01:30", "UTC", "")
    assert "skipped" in convert_time("2026-03-29 02:30", "", "UTC")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "25:00",
        "12:60",
        "13 pm",
        "0 am",
        "tomorrow",
        "2026-02-30 12:00",
        "9999-12-31 23:59",
        "0001-01-01 0:00",
        "x" * 9000,
    ],
)
def test_what_is_no_time_is_told(given: str) -> None:
    with pytest.raises(ToolError):
        convert_time(given, "UTC-12" if given.startswith("9") else "UTC+12", "UTC-12")
