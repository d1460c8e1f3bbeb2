"""What is true just now and is not counted: states of models, sizes, memory; in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from tether_desktop.errors import StoreBusy, StoreDamaged, StoreError, StoreFull
from tether_desktop.model.pool.slot import ModelState, StateName
from tether_desktop.protocol.api.monitoring import metric_table as table
from tether_desktop.protocol.api.monitoring.machine import MachineUse
from tether_desktop.protocol.api.monitoring.metric_table import Metric
from tether_desktop.protocol.api.monitoring.readiness import Condition

_NO_FAILURES = {kind.code: 0 for kind in (StoreError, StoreBusy, StoreDamaged, StoreFull)}
"""A counter that is there from the start can be seen to increase at the first failure."""

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values by the values of their labels."""


@dataclass(frozen=True, slots=True)
class Current:
    """What was found on one look.

    Attributes:
        condition: whether questions can be answered.
        store_failures: how often it has failed, by code.
        waiting: how many turns wait, by model.
        open_replies: conversations that are being answered.
        machine: what the program takes; None where that took too long to find out.
        versions: of the program, and of Python.
    """

    condition: Condition
    store_failures: Mapping[str, int]
    waiting: Mapping[str, int]
    open_replies: int
    machine: MachineUse | None
    versions: tuple[str, str]


def families(current: Current) -> Iterator[Family]:
    """All of it, those without a value included."""
    condition, machine = current.condition, current.machine
    states, statistics = condition.states, condition.statistics
    yield _gauge(table.OPEN_REPLIES, _one(current.open_replies))
    yield _gauge(table.MODEL_STATE, _states(states))
    yield _gauge(table.WAITING, _by(current.waiting))
    yield _gauge(
        table.MODEL_BYTES, [((name,), state.info.memory_bytes) for name, state in states.items() if state.info]
    )
    yield _gauge(table.USABLE_MODELS, _one(len(condition.usable)))
    yield _gauge(table.READY, _one(condition.ready))
    yield _gauge(table.STORE_UP, _one(statistics is not None))
    yield _gauge(table.STORE_READ_SECONDS, _one(condition.store_seconds))
    yield _gauge(table.STORE_BYTES, _one(statistics.size_bytes if statistics else None))
    sessions = {"list": statistics.sessions, "bin": statistics.deleted_sessions} if statistics else {}
    yield _gauge(table.SESSIONS, _by(sessions))
    yield _counter(table.STORE_ERRORS, _by(_NO_FAILURES | dict(current.store_failures)))
    yield _gauge(table.PROCESSES, _by(machine.processes if machine else {}))
    yield _gauge(table.PROCESS_BYTES, _by(machine.resident_bytes if machine else {}))
    yield _gauge(table.AVAILABLE_BYTES, _one(machine.available_bytes if machine else None))
    yield _gauge(table.DISK_BYTES, _by(machine.disk_bytes if machine else {}))
    yield _gauge(table.STARTED, _one(machine.started if machine else None))
    yield _gauge(table.BUILD, [(current.versions, 1)])


def _states(states: Mapping[str, ModelState]) -> Samples:
    for model, state in states.items():
        for name in get_args(StateName):
            yield (model, name), state.state == name


def _one(value: float | None) -> Samples:
    return [] if value is None else [((), value)]


def _by(values: Mapping[str, float]) -> Samples:
    return [((name,), value) for name, value in values.items()]


def _gauge(metric: Metric, samples: Samples) -> Family:
    return _filled(GaugeMetricFamily(metric.name, metric.help, labels=metric.labels), samples)


def _counter(metric: Metric, samples: Samples) -> Family:
    return _filled(CounterMetricFamily(metric.name, metric.help, labels=metric.labels), samples)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Family:
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family
