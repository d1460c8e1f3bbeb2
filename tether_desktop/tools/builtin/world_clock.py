"""Tells the time in any place, and what time it is elsewhere at a given one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.zone_names import find_zone, zone_name

_TIME = re.compile(
    r"(?:(?P<date>\d{4}-\d\d-\d\d)[T ]+)?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?:[:.](?P<second>\d\d))?"
    r"\s*(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_WORDS = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def current_time(time_zone: str = "") -> str:
    """Tell the current date, weekday and time, here or in another place.

    Args:
        time_zone: the city, or the name of the time zone, that is asked about; leave empty for the user's own.
    """
    return describe(datetime.now(UTC), find_zone(time_zone))


def convert_time(time: str, from_zone: str = "", to_zone: str = "") -> str:
    """Tell what time it is in one place when it is a given time in another.

    Args:
        time: such as "15:30", "3:30 pm" or "2026-03-01 15:30"; without a date it is today.
        from_zone: the city or time zone of that time; leave empty for the user's own.
        to_zone: the city or time zone wanted; leave empty for the user's own.
    """
    source, target = find_zone(from_zone), find_zone(to_zone)
    moment, note = _moment(time, source)
    return f"{describe(moment, source)}\nis {describe(moment, target)}{note}"


def describe(moment: datetime, zone: tzinfo) -> str:
    """A moment as a clock of that zone shows it, with the weekday and the distance from UTC."""
    there = _shifted(moment, zone)
    offset = there.strftime("%z")
    time = there.time().isoformat("seconds" if there.second else "minutes")
    place = f"{zone_name(zone, moment)} (UTC{offset[:3]}:{offset[3:5]})"
    return f"{_DAYS[there.weekday()]}, {there.date()} {time} in {place}"


def _shifted(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        raise ToolError("The time cannot be converted", "That is outside the calendar.", "") from None


def _moment(text: str, zone: tzinfo) -> tuple[datetime, str]:
    """The moment that a text means in a zone, and what is special about it."""
    try:
        local = _local(text.strip()[:40], datetime.now(UTC).astimezone(zone).date())
        first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
        return first.astimezone(UTC), _note(first, second)
    except (ValueError, OverflowError, OSError):
        hint = 'Give it like "15:30", "3:30 pm" or "2026-03-01 15:30".'
        raise ToolError("The time cannot be understood", f"{text[:40]!r} is no time of day.", hint) from None


def _local(text: str, today: date) -> datetime:
    found = _TIME.fullmatch(_WORDS.get(text.casefold(), text))
    if found is None:
        raise ValueError("it has another form")
    hour = int(found["hour"])
    if half := (found["half"] or "").lower()[:1]:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if half == "p" else 0)
    day = date.fromisoformat(found["date"]) if found["date"] else today
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (the zone is not known here)
    if hour == 24 and not int(found["minute"] or 0):
        return midnight + timedelta(days=1)
    return midnight.replace(hour=hour, minute=int(found["minute"] or 0), second=int(found["second"] or 0))


def _note(first: datetime, second: datetime) -> str:
    """Says where clocks are changed at that time."""
    if first.utcoffset() == second.utcoffset():
        return ""
    back = first.astimezone(UTC).astimezone(first.tzinfo)
    if back.replace(tzinfo=None) != first.replace(tzinfo=None):
        return "\nThat time is skipped there: clocks are put forward."
    return "\nThat time comes twice there, since clocks are put back; this is the first of them."
