"""Weather now and in the next days, from Open-Meteo, which needs no key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.web_service import WebService

FORECAST_URL = "https://api.open-meteo.com"
PLACES_URL = "https://geocoding-api.open-meteo.com"

_TITLE = "The weather is not known"
_MOST_DAYS = 14
_NOW = "temperature_2m,apparent_temperature,relative_humidity_2m,precipitation,weather_code,wind_speed_10m"
_DAILY = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum,precipitation_probability_max"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# The WMO's code table 4677, as far as Open-Meteo uses it.
_SKIES = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast", 45: "fog", 48: "freezing fog",
    51: "light drizzle", 53: "drizzle", 55: "heavy drizzle", 56: "light freezing drizzle", 57: "freezing drizzle",
    61: "light rain", 63: "rain", 65: "heavy rain", 66: "light freezing rain", 67: "freezing rain",
    71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow grains", 80: "light showers", 81: "showers",
    82: "violent showers", 85: "light snow showers", 86: "snow showers", 95: "thunderstorm",
    96: "thunderstorm with hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spot:
    name: str
    latitude: float
    longitude: float


class WeatherTools:
    """The tools over the service."""

    def __init__(self, places_url: str = PLACES_URL, forecast_url: str = FORECAST_URL) -> None:
        self._places = WebService("Open-Meteo", places_url)
        self._forecasts = WebService("Open-Meteo", forecast_url)

    async def weather(self, place: str) -> str:
        """Tell the weather in a place now.

        Args:
            place: a city, such as "Paris" or "Paris, Texas".
        """
        spot = await self._find(place)
        answer = await self._ask(spot, {"current": _NOW})
        return f"Weather in {spot.name} now: {_now(_object(answer, 'current'))}."

    async def weather_forecast(self, place: str, days: int = 3) -> str:
        """Tell the weather in a place for the next days, today included.

        Args:
            place: a city, such as "Paris" or "Paris, Texas".
            days: how many days, 1 to 14.
        """
        spot = await self._find(place)
        count = min(max(days, 1), _MOST_DAYS)
        answer = await self._ask(spot, {"daily": _DAILY, "forecast_days": str(count)})
        return "\n".join([f"Weather in {spot.name}:", *_days(_object(answer, "daily"))])

    async def _ask(self, spot: _Spot, what: dict[str, str]) -> dict[str, Any]:
        where = {"latitude": f"{spot.latitude:.4f}", "longitude": f"{spot.longitude:.4f}", "timezone": "auto"}
        return await self._forecasts.ask("/v1/forecast", {**where, **what})

    async def _find(self, place: str) -> _Spot:
        """The place of a name; of several, the one that is in the region which follows a comma."""
        name, _, region = (part.strip() for part in place[:200].partition(","))
        answer = await self._places.ask("/v1/search", {"name": name, "count": "10", "language": "en", "format": "json"})
        found = [each for each in _list(answer, "results") if isinstance(each, dict)]
        fitting = [each for each in found if _is_in(each, region)]
        if not fitting:
            others = "; ".join(_full_name(each) for each in found[:5])
            hint = f"There are: {others}." if others else "Use the name of a city."
            raise ToolError(_TITLE, f"No place is called {place[:200]!r}.", hint)
        best = fitting[0]
        return _Spot(_full_name(best), _number(best, "latitude"), _number(best, "longitude"))


def _is_in(found: Mapping[str, Any], region: str) -> bool:
    named = {str(found.get(key, "")).casefold() for key in ("admin1", "admin2", "country", "country_code")}
    return not region or any(part.strip().casefold() in named for part in region.split(","))


def _full_name(found: Mapping[str, Any]) -> str:
    parts = (str(found[key]) for key in ("name", "admin1", "country") if found.get(key))
    return ", ".join(dict.fromkeys(parts))


def _now(current: Mapping[str, Any]) -> str:
    temperature, felt = _number(current, "temperature_2m"), _number(current, "apparent_temperature")
    return (
        f"{_sky(current.get('weather_code'))}, {_degrees(temperature)}, feels like {_degrees(felt)}, "
        f"humidity {_number(current, 'relative_humidity_2m'):.0f} %, "
        f"wind {_number(current, 'wind_speed_10m'):.0f} km/h, "
        f"precipitation {_number(current, 'precipitation'):.1f} mm"
    )


def _days(daily: Mapping[str, Any]) -> list[str]:
    columns = [_list(daily, key) for key in ("time", *_DAILY.split(","))]
    return [_day(*row) for row in zip(*columns, strict=False)]


def _day(day: Any, code: Any, highest: Any, lowest: Any, rain: Any, chance: Any) -> str:
    try:
        when = date.fromisoformat(day)
        figures = f"{_degrees(float(lowest))} to {_degrees(float(highest))}, precipitation {float(rain):.1f} mm"
    except (TypeError, ValueError):
        raise _unclear() from None
    likely = f" ({chance:.0f} % likely)" if isinstance(chance, int | float) else ""
    return f"{_DAYS[when.weekday()]}, {when}: {_sky(code)}, {figures}{likely}"


def _sky(code: Any) -> str:
    return _SKIES.get(code, "unknown sky") if isinstance(code, int) else "unknown sky"


def _degrees(celsius: float) -> str:
    return f"{celsius:.0f} °C ({celsius * 9 / 5 + 32:.0f} °F)"


def _object(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = answer.get(key)
    if not isinstance(value, dict):
        raise _unclear()
    return value


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    value = answer.get(key, [])
    if not isinstance(value, list):
        raise _unclear()
    return value


def _number(answer: Mapping[str, Any], key: str) -> float:
    value = answer.get(key)
    if not isinstance(value, int | float):
        raise _unclear()
    return float(value)


def _unclear() -> ToolError:
    return ToolError(_TITLE, "Open-Meteo answers nothing that can be understood.", "Try again later.")
