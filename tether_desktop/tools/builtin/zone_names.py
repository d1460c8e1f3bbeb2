"""Finds the time zone that a person or a model means: an IANA name, a city, an offset."""

from __future__ import annotations

import difflib
import functools
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from tether_desktop.errors import ToolError

_LONGEST = 100
_SUGGESTIONS = 5
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?")
_FARTHEST_HOURS = 14
_HERE = {"", "here", "local", "local time", "my time", "localtime"}

# Large cities whose zone is called after another one.
_CITIES = {
    "America/Chicago": "Dallas Houston Austin Minneapolis New_Orleans St_Louis",
    "America/Los_Angeles": "San_Francisco Seattle Las_Vegas San_Diego Portland Silicon_Valley",
    "America/New_York": "Washington Washington_DC Boston Miami Atlanta Philadelphia NYC",
    "America/Sao_Paulo": "Rio_de_Janeiro Brasilia Rio",
    "America/Toronto": "Ottawa Montreal",
    "America/Vancouver": "Victoria",
    "Africa/Johannesburg": "Cape_Town Pretoria Durban",
    "Africa/Casablanca": "Rabat Marrakesh",
    "Asia/Dubai": "Abu_Dhabi",
    "Asia/Ho_Chi_Minh": "Hanoi Saigon",
    "Asia/Jerusalem": "Haifa",
    "Asia/Karachi": "Islamabad Lahore",
    "Asia/Kolkata": "Mumbai Delhi New_Delhi Bangalore Bengaluru Chennai Hyderabad Pune India",
    "Asia/Riyadh": "Jeddah Mecca",
    "Asia/Shanghai": "Beijing Shenzhen Guangzhou China",
    "Asia/Tokyo": "Osaka Kyoto Yokohama",
    "Europe/Berlin": "Munich München Hamburg Frankfurt Cologne Köln Stuttgart Leipzig Germany",
    "Europe/Istanbul": "Ankara",
    "Europe/London": "Edinburgh Manchester England UK",
    "Europe/Madrid": "Barcelona Seville Valencia Spain",
    "Europe/Paris": "Lyon Marseille Nice France",
    "Europe/Rome": "Milan Naples Venice Florence Turin Italy",
    "Europe/Vienna": "Wien Salzburg Graz Austria",
    "Europe/Warsaw": "Krakow",
    "Europe/Zurich": "Zürich Geneva Basel Bern Switzerland",
}


def find_zone(text: str) -> tzinfo:
    """The zone of a name ("Asia/Tokyo"), a city ("tokyo", "New York"), an offset ("UTC+2"); empty is this computer's.

    Raises:
        ToolError: there is none of that name; says which ones come close.
    """
    wanted = _plain(text.partition(",")[0])
    if wanted in _HERE:
        return ThisComputer()
    if wanted in {"z", "utc", "gmt"}:
        return UTC
    if name := _names().get(wanted):
        return ZoneInfo(name)
    if offset := _OFFSET.fullmatch(wanted):
        return _fixed(offset)
    raise _unknown(text, wanted)


def zone_name(zone: tzinfo, moment: datetime) -> str:
    """What to call a zone: its IANA name, else what the system calls it."""
    return zone.key if isinstance(zone, ZoneInfo) else moment.astimezone(zone).tzname() or "local time"


class ThisComputer(tzinfo):
    """The zone of this computer, with its summer times as the system knows them."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The distance from UTC at a local time."""
        return self._known(dt).utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:  # noqa: ARG002  (tzinfo's own signature)
        """Not told by the system apart from the offset."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """What the system calls it then."""
        return self._known(dt).tzname()

    def fromutc(self, dt: datetime) -> datetime:
        """The local time of a UTC one that carries this zone."""
        known = dt.replace(tzinfo=UTC).astimezone()
        local = known.replace(tzinfo=self)
        return local if local.utcoffset() == known.utcoffset() else local.replace(fold=1)

    def _known(self, dt: datetime | None) -> datetime:
        return datetime.now(UTC).astimezone() if dt is None else dt.replace(tzinfo=None).astimezone()


def _fixed(offset: re.Match[str]) -> tzinfo:
    hours, minutes = int(offset[2]), int(offset[3] or 0)
    if hours > _FARTHEST_HOURS:
        raise ToolError("There is no such time zone", "No time zone is that far from UTC.", "Use UTC-12 to UTC+14.")
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if offset[1] == "-" else distance)


@functools.cache
def _names() -> dict[str, str]:
    """IANA names by all that they go by: in full, by the last part, by the cities of a zone."""
    everything = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
    # Names that end alike are nearly always those of one zone; the first is taken.
    by_city = {_plain(name.rpartition("/")[2]): name for name in reversed(everything) if "Etc/" not in name}
    others = {_plain(city): zone for zone, cities in _CITIES.items() for city in cities.split()}
    in_full = {_plain(name): name for name in everything}
    return {**others, **by_city, **in_full}


def _plain(text: str) -> str:
    return " ".join(text[:_LONGEST].casefold().replace("_", " ").replace("\u2212", "-").split())


def _unknown(text: str, wanted: str) -> ToolError:
    close = difflib.get_close_matches(wanted, _names(), n=_SUGGESTIONS, cutoff=0.6)
    names = list(dict.fromkeys(_names()[each] for each in close))
    hint = f"Did you mean {' or '.join(names)}?" if names else "Use a large city or a name like Europe/Paris."
    return ToolError("There is no such time zone", f"No time zone is called {text[:_LONGEST]!r}.", hint)
