"""Pools of scripted models whose engines the test has in its hands, and computers of one kind for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.gated_engines import Gate, Open
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.model.discovery import catalog
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import Engine, EngineSpec
from tether_desktop.model.pool.pool import EnginePool


@pytest.fixture
def engines() -> list[Gate]:
    Gate.made = []
    return Gate.made


@pytest.fixture
async def make_pool(tmp_path: Path, engines: list[Gate]) -> AsyncIterator[Callable[..., EnginePool]]:
    pools: list[EnginePool] = []
    for name in "ABC":
        write_scripted_model(tmp_path, name, replies=[{"steps": [name]}])

    def make(make_engine: Callable[[EngineSpec], Engine] = Open, **options: Any) -> EnginePool:
        pools.append(EnginePool(Catalog([tmp_path]), make_engine=make_engine, **options))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
def avx2_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with AVX2 and without MLC-LLM."""
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))
    monkeypatch.setattr(catalog, "official_engine_there", lambda: False)


@pytest.fixture
def official_engine(avx2_computer: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with MLC-LLM."""
    monkeypatch.setattr(catalog, "official_engine_there", lambda: True)
