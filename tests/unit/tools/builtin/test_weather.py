"""Weather from a service, whatever the service answers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.helpers.web_site import Answer, Asked, WebSite
from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.weather import WeatherTools
from tether_desktop.tools.builtin.web_service import WebService

PARIS = {"name": "Paris", "admin1": "Île-de-France", "country": "France", "latitude": 48.85341, "longitude": 2.3488}
TEXAS = {"name": "Paris", "admin1": "Texas", "country": "United States", "latitude": 33.66, "longitude": -95.55}
NOW = {
    "temperature_2m": 11.6,
    "apparent_temperature": 9,
    "relative_humidity_2m": 71,
    "precipitation": 0.2,
    "weather_code": 61,
    "wind_speed_10m": 18.4,
}
DAILY = {
    "time": ["2026-03-01", "2026-03-02"],
    "weather_code": [0, 4711],
    "temperature_2m_max": [14, -1.5],
    "temperature_2m_min": [5, -8],
    "precipitation_sum": [0, 3.25],
    "precipitation_probability_max": [3, None],
}


@pytest.fixture
def tools(site: WebSite) -> WeatherTools:
    site.give_json("/v1/search", {"results": [PARIS, TEXAS]})
    site.give_json("/v1/forecast", {"current": NOW, "daily": DAILY})
    return WeatherTools(site.url(), site.url())


def query(site: WebSite, place: int) -> dict[str, list[str]]:
    return parse_qs(urlsplit(site.asked[place].path).query)


async def test_the_weather_now_is_told_and_only_the_place_is_sent(tools: WeatherTools, site: WebSite) -> None:
    assert await tools.weather("Paris") == (
        "Weather in Paris, Île-de-France, France now: light rain, 12 °C (53 °F), feels like 9 °C (48 °F), "
        "humidity 71 %, wind 18 km/h, precipitation 0.2 mm."
    )
    assert query(site, 0) == {"name": ["Paris"], "count": ["10"], "language": ["en"], "format": ["json"]}
    asked = query(site, 1)
    assert (asked["latitude"], asked["longitude"], asked["timezone"]) == (["48.8534"], ["2.3488"], ["auto"])


async def test_a_forecast_is_told_day_by_day(tools: WeatherTools, site: WebSite) -> None:
    assert (await tools.weather_forecast("paris, texas", 40)).splitlines() == [
        "Weather in Paris, Texas, United States:",
        "Sunday, 2026-03-01: clear sky, 5 °C (41 °F) to 14 °C (57 °F), precipitation 0.0 mm (3 % likely)",
        "Monday, 2026-03-02: unknown sky, -8 °C (18 °F) to -2 °C (29 °F), precipitation 3.2 mm",
    ]
    assert query(site, 1)["latitude"] == ["33.6600"]
    assert query(site, 1)["forecast_days"] == ["14"]


@pytest.mark.parametrize(("place", "hint"), [("Paris, Ohio", "Texas"), ("Paris, Paris", "Texas")])
async def test_a_place_in_another_region_is_not_taken_for_it(tools: WeatherTools, place: str, hint: str) -> None:
    with pytest.raises(ToolError, match="No place is called") as told:
        await tools.weather(place)
    assert hint in told.value.hint


async def test_an_unknown_place_is_told(tools: WeatherTools, site: WebSite) -> None:
    site.give_json("/v1/search", {"generationtime_ms": 1})
    with pytest.raises(ToolError, match="No place is called 'Nowhere'"):
        await tools.weather("Nowhere")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"current": None, "daily": []},
        {"current": {}, "daily": {"time": 1}},
        {"current": {**NOW, "temperature_2m": "warm"}, "daily": {**DAILY, "temperature_2m_max": [None]}},
        {"current": {**NOW, "precipitation": None}, "daily": {**DAILY, "time": ["someday"]}},
        [],
        "text",
    ],
)
async def test_answers_without_sense_are_told(tools: WeatherTools, site: WebSite, answer: Any) -> None:
    site.give_json("/v1/forecast", answer)
    with pytest.raises(ToolError, match="nothing that can be understood"):
        await tools.weather("Paris")
    if answer:
        with pytest.raises(ToolError, match="nothing that can be understood"):
            await tools.weather_forecast("Paris")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b'{"reason": "Daily limit"}', 429), "answers 429: .*Daily limit"),
        (Answer(b"", 500), "answers 500"),
        (Answer(b"", 302, {"Location": "http://127.0.0.1:1/"}), "answers 302"),
        (Answer(b"{", 200), "nothing that can be understood"),
        (Answer(b"[" * 100_000, 200), "nothing that can be understood"),
        (Answer(b"\xff\xfe{", 200), "nothing that can be understood"),
        (Answer(b" " * 100_000, endless=True), "more than any answer has"),
    ],
)
async def test_a_service_that_fails_is_told(tools: WeatherTools, site: WebSite, answer: Answer, said: str) -> None:
    site.answers["/v1/forecast"] = answer
    with pytest.raises(ToolError, match=said):
        await tools.weather("Paris")


async def test_a_service_that_is_silent_or_away_is_given_up(site: WebSite) -> None:
    site.answers["/slow"] = Answer(stalls=True)
    with pytest.raises(ToolError, match=r"did not answer within|takes too long"):
        await WebService("It", site.url(), seconds=0.2).ask("/slow")
    with pytest.raises(ToolError, match="cannot be connected to"):
        await WebService("It", "http://127.0.0.1:1").ask("/")


async def test_cancelling_ends_the_request(site: WebSite) -> None:
    arrived = threading.Event()

    def stall(asked: Asked) -> Answer:
        arrived.set()
        return Answer(stalls=True)

    site.answers["/slow"] = stall
    task = asyncio.create_task(WebService("It", site.url()).ask("/slow"))
    await asyncio.to_thread(arrived.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
