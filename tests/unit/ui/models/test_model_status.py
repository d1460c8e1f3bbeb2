"""Names and sizes of models, for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tether_desktop.errors import EngineDied, LibraryMismatch, LibraryUntrusted, ModelBroken, ModelUnprepared
from tether_desktop.model.discovery.catalog import ModelEntry
from tether_desktop.model.engine import EngineInfo
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.ui.models.model_status import model_status, split_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("SmolLM2-135M-Instruct-q4_1-MLC", ("SmolLM2 135M Instruct", "q4_1")),
        ("SmolLM2-135M-Instruct-q4_1t16-MLC", ("SmolLM2 135M Instruct", "4-bit")),
        ("Qwen3-8B-mixed_t16-MLC", ("Qwen3 8B", "4 to 8-bit")),
        ("Qwen3-8B-q4f16_1-MLC", ("Qwen3 8B", "q4f16_1")),
        ("Qwen-3-8B-Q4_K_M", ("Qwen 3 8B", "Q4_K_M")),
        ("Llama-3-q0f16", ("Llama 3", "q0f16")),
        ("Scripted", ("Scripted", "")),
        ("q4_1", ("q4 1", "")),
    ],
)
def test_a_name_is_parted_from_its_quantization(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


def test_a_model_that_was_never_loaded_is_not_loaded() -> None:
    status = model_status(ModelEntry("Tiny-q4_1-MLC", Path("/m"), context_window=2048, size_bytes=5), None)
    assert (status.label, status.state, status.loaded) == ("Tiny · q4_1", "unloaded", False)
    assert (status.context_window, status.size_bytes) == (2048, 5)


def test_a_loaded_model_tells_what_the_engine_told() -> None:
    state = ModelState("ready", info=EngineInfo(1024, "CPU, 2 threads", 118_000_000))
    status = model_status(ModelEntry("Tiny", Path("/m"), quantization="q8_0", context_window=2048), state)
    assert (status.context_window, status.device, status.memory_bytes) == (1024, "CPU, 2 threads", 118_000_000)
    assert (status.quantization, status.loaded) == ("q8_0", True)


def test_a_failed_load_keeps_its_reason() -> None:
    error = EngineDied("Gone", "It ended.", "Again.")
    assert model_status(ModelEntry("Tiny", Path("/m")), ModelState("failed", error=error)).error is error


def test_a_model_of_a_server_keeps_its_name_and_tells_whose_it_is() -> None:
    status = model_status(ModelEntry("gpu/org/Qwen2.5-7B_q4", Path("/servers.json"), "remote"), None)
    assert (status.server, status.title, status.quantization) == ("gpu", "org/Qwen2.5-7B_q4", "")
    assert status.device == "Server gpu"
    loaded = ModelState("ready", info=EngineInfo(4096, "Server gpu", takes_messages=True))
    assert model_status(ModelEntry("gpu/a", Path("/servers.json"), "remote"), loaded).device == "Server gpu"


def test_a_server_whose_models_nobody_knows_is_shown_by_its_name() -> None:
    status = model_status(ModelEntry("gpu", Path("/servers.json"), "remote", usable=False, reason="Gone."), None)
    assert (status.server, status.title) == ("gpu", "gpu")


@pytest.mark.parametrize(
    ("code", "preparable", "asks_first"),
    [
        (ModelUnprepared.code, True, False),
        (LibraryMismatch.code, True, False),
        (LibraryUntrusted.code, False, True),
        (ModelBroken.code, False, False),
        ("", False, False),
    ],
)
def test_what_only_has_to_be_prepared_is_told_from_what_is_broken(
    code: str, preparable: bool, asks_first: bool
) -> None:
    status = model_status(ModelEntry("a", Path("/a"), usable=not code, code=code), None, "tight")
    assert (status.preparable, status.asks_first, status.fit) == (preparable, asks_first, "tight")
