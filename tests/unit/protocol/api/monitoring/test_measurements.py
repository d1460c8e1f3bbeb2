"""Figures in the words of Prometheus, in both of its formats."""

from __future__ import annotations

from typing import Any

import prometheus_client
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from tether_desktop.messages import Timings, Usage
from tether_desktop.protocol.api.monitoring.measurements import Measurements
from tether_desktop.protocol.api.monitoring.metric_table import METRICS
from tether_desktop.protocol.api.monitoring.request_log import Served

PLAIN = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def measurements() -> Measurements:
    return Measurements()


def value(measurements: Measurements, name: str, **labels: str) -> float | None:
    return measurements.registry.get_sample_value(name, labels)


def test_a_request_is_open_until_it_is_over(measurements: Measurements) -> None:
    measurements.request_began()
    assert value(measurements, "tether_http_requests_open") == 1
    measurements.request_served(Served("GET", "/tools", 200, 0.02, 30))
    assert value(measurements, "tether_http_requests_open") == 0
    assert value(measurements, "tether_http_requests_total", method="GET", route="/tools", status="200") == 1
    assert value(measurements, "tether_http_request_duration_seconds_sum", method="GET", route="/tools") == 0.02
    assert value(measurements, "tether_http_sent_bytes_total") == 30


def test_what_a_reply_cost_is_added_up(measurements: Measurements) -> None:
    for _ in range(2):
        measurements.reply_cost("A", Usage(100, 60, 41), Timings(queued_s=3, decode_s=2))
    assert value(measurements, "tether_prompt_tokens_total", model="A") == 200
    assert value(measurements, "tether_cached_tokens_total", model="A") == 120
    assert value(measurements, "tether_generated_tokens_total", model="A") == 82
    assert value(measurements, "tether_queue_seconds_sum", model="A") == 6
    assert value(measurements, "tether_decode_tokens_per_second_sum", model="A") == 40


def test_a_reply_of_one_token_has_no_speed(measurements: Measurements) -> None:
    measurements.reply_cost("A", Usage(100, 60, 1), Timings(decode_s=0))
    assert value(measurements, "tether_decode_tokens_per_second_count", model="A") is None


@pytest.mark.parametrize(
    ("accept", "media_type", "parse"),
    [
        ("", "text/plain; version=0.0.4", parse_plain),
        ("*/*", "text/plain; version=0.0.4", parse_plain),
        (PLAIN, "text/plain; version=0.0.4", parse_plain),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0", parse_openmetrics),
        (f"{OPENMETRICS};q=0.5,{PLAIN};q=0.3", "application/openmetrics-text; version=1.0.0", parse_openmetrics),
    ],
)
def test_a_client_gets_the_format_it_accepts(
    measurements: Measurements, accept: str, media_type: str, parse: Any
) -> None:
    measurements.reply_ended("conversation", "A", "stop")
    text, told = measurements.told(accept)
    assert told.startswith(media_type)
    families = {family.name: family for family in parse(text.decode())}
    (sample,) = [sample for sample in families["tether_replies"].samples if sample.name == "tether_replies_total"]
    assert (sample.labels, sample.value) == ({"source": "conversation", "model": "A", "ending": "stop"}, 1)


def test_the_plain_format_tells_nothing_of_when_counters_began(measurements: Measurements) -> None:
    measurements.reply_ended("conversation", "A", "stop")
    assert b"_created" not in measurements.told(PLAIN)[0]
    assert b"_created" in measurements.told(OPENMETRICS)[0]


def test_names_of_models_are_written_so_that_they_can_be_read(measurements: Measurements) -> None:
    name = 'größe\n"1" \\ }'
    measurements.reply_ended("conversation", name, "stop")
    for accept, parse in ((PLAIN, parse_plain), (OPENMETRICS, parse_openmetrics)):
        families = {family.name: family for family in parse(measurements.told(accept)[0].decode())}
        assert families["tether_replies"].samples[0].labels["model"] == name


def test_nothing_is_counted_where_other_libraries_count(measurements: Measurements) -> None:
    measurements.request_began()
    assert not any(family.name.startswith("tether") for family in prometheus_client.REGISTRY.collect())


def test_two_ports_count_apart(measurements: Measurements) -> None:
    measurements.request_began()
    assert value(Measurements(), "tether_http_requests_open") == 0


def test_every_figure_is_described_once_with_the_unit_in_its_name() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("tether_")
        assert metric.help.endswith((".", "…"))
        assert not metric.name.endswith("_total")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert metric.buckets == tuple(sorted(metric.buckets))
