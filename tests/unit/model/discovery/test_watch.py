"""Watching the model folders: every change is told once, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.model.discovery import trust, watch
from tether_desktop.model.discovery.watch import INTERVAL_S, LONGEST_INTERVAL_S, ModelWatch


class Ticks:
    """A sleep that lasts until the test wants the next look.

    Attributes:
        waits: how long the watch wanted to sleep, each time.
    """

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._asleep.set()
        await self._wake.wait()
        self._wake.clear()

    async def asleep(self) -> None:
        """Wait until the watch has seen all there is."""
        await self._asleep.wait()
        self._asleep.clear()

    async def next(self) -> None:
        """Let the watch look once more."""
        self._wake.set()
        await self.asleep()


@pytest.fixture
async def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def model_watch(tmp_path: Path, ticks: Ticks) -> AsyncIterator[ModelWatch]:
    watching = ModelWatch([tmp_path / "dist", tmp_path / "nowhere"], sleep=ticks.sleep)
    yield watching
    await watching.close()


CHANGES: list[Callable[[Path], object]] = [
    lambda root: write_scripted_model(root, "New"),
    lambda root: (root / "Tiny-q4_1-MLC" / "tokenizer.json").unlink(),
    lambda root: (root / "Tiny-q4_1-MLC" / "mlc-chat-config.json").write_text("{}"),
    lambda root: (root / "Tiny-q4_1-MLC" / "params_shard_0.bin").write_bytes(b"less"),
    lambda root: (root / "Tiny-q4_1-MLC").rename(root / "Renamed"),
    lambda root: (root / "model.gguf").write_bytes(b"GGUF"),
    lambda root: (root / "libs" / "tiny.so").unlink(),
    lambda root: write_library(root, "other.so", trusted=False),
    lambda root: write_packed_model(root / "packed", "Copy"),
    lambda root: trust.add(write_packed_model(root.parent / "away") / "tokenizer.json"),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_is_told_once(
    tmp_path: Path, model_watch: ModelWatch, ticks: Ticks, change: Callable[[Path], object]
) -> None:
    write_packed_model(tmp_path / "dist")
    write_library(tmp_path / "dist")
    told: list[str] = []
    model_watch.subscribe(lambda: told.append("changed"))
    await ticks.asleep()
    await ticks.next()
    assert told == []
    change(tmp_path / "dist")
    await ticks.next()
    assert told == ["changed"]
    await ticks.next()
    assert told == ["changed"]


async def test_a_model_folder_that_appears_later_is_seen(tmp_path: Path, model_watch: ModelWatch, ticks: Ticks) -> None:
    told: list[str] = []
    model_watch.subscribe(lambda: told.append("changed"))
    await ticks.asleep()
    write_scripted_model(tmp_path / "nowhere", "New")
    await ticks.next()
    assert told == ["changed"]


async def test_all_subscribers_are_told_until_they_had_enough(
    tmp_path: Path, model_watch: ModelWatch, ticks: Ticks
) -> None:
    told: list[str] = []
    model_watch.subscribe(lambda: told.append("first"))
    stop = model_watch.subscribe(lambda: told.append("second"))
    await ticks.asleep()
    write_scripted_model(tmp_path / "dist", "One")
    await ticks.next()
    stop()
    write_scripted_model(tmp_path / "dist", "Two")
    await ticks.next()
    assert told == ["first", "second", "first"]


async def test_what_was_gone_when_it_was_listed_is_told_of_when_it_is_back(
    tmp_path: Path, model_watch: ModelWatch, ticks: Ticks
) -> None:
    here, away = write_scripted_model(tmp_path / "dist", "One"), tmp_path / "away"
    told: list[str] = []
    model_watch.subscribe(lambda: told.append("changed"))
    await ticks.asleep()
    here.rename(away)
    async with model_watch.listing():
        pass
    away.rename(here)
    await ticks.next()
    assert told == ["changed"]


async def test_what_went_while_it_was_listed_is_told_of_though_it_is_back(
    tmp_path: Path, model_watch: ModelWatch, ticks: Ticks
) -> None:
    here, away = write_scripted_model(tmp_path / "dist", "One"), tmp_path / "away"
    told: list[str] = []
    model_watch.subscribe(lambda: told.append("changed"))
    await ticks.asleep()
    async with model_watch.listing():
        here.rename(away)
    away.rename(here)
    await ticks.next()
    await ticks.next()
    assert told == ["changed"]


async def test_what_changed_between_a_list_and_the_first_look_is_told_of(
    tmp_path: Path, model_watch: ModelWatch, ticks: Ticks
) -> None:
    told: list[str] = []
    async with model_watch.listing():
        pass
    write_scripted_model(tmp_path / "dist", "One")
    model_watch.subscribe(lambda: told.append("changed"))
    await ticks.asleep()
    assert told == ["changed"]


async def test_slow_folders_are_looked_at_less_often(
    model_watch: ModelWatch, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 0.001, 10.0, 10.5, 20.0, 23.0])
    monkeypatch.setattr(watch, "monotonic", lambda: next(times))
    model_watch.subscribe(lambda: None)
    await ticks.asleep()
    await ticks.next()
    await ticks.next()
    assert ticks.waits == [INTERVAL_S, pytest.approx(10.0), LONGEST_INTERVAL_S]


async def test_closing_stops_it_however_often(model_watch: ModelWatch, ticks: Ticks) -> None:
    await model_watch.close()
    model_watch.subscribe(lambda: None)
    await ticks.asleep()
    await model_watch.close()
    await model_watch.close()
    assert len(asyncio.all_tasks()) == 1
