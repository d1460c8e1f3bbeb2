"""Models of a server are asked from this process; all others are computed in one of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tether_desktop.model.engine import EngineKind, EngineSpec
from tether_desktop.model.engines import make_engine
from tether_desktop.model.hosting import child
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.mlc.engine import MlcEngine
from tether_desktop.model.remote import RemoteEngine
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.model.tvm.engine import TvmEngine


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("tvm", HostedEngine), ("mlc", HostedEngine), ("scripted", HostedEngine), ("remote", RemoteEngine)],
)
async def test_the_program_makes_a_client_or_a_host(kind: EngineKind, expected: type) -> None:
    assert type(make_engine(EngineSpec("server/model", kind, Path("nowhere")))) is expected


@pytest.mark.parametrize(("kind", "expected"), [("tvm", TvmEngine), ("mlc", MlcEngine), ("scripted", ScriptedEngine)])
async def test_a_child_makes_the_engine_itself(kind: EngineKind, expected: type) -> None:
    assert type(child.make_engine(EngineSpec("model", kind, Path("nowhere")))) is expected
