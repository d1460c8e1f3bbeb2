"""What a model needs is read from its folder, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.decoder_shapes import SMALL
from tests.helpers.random_decoder import make_random_decoder
from tether_desktop.errors import ModelBroken
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.engine import EngineKind
from tether_desktop.model.pool.demand import LEAST_WINDOW, NOTHING, Demand, demand_of, within
from tether_desktop.model.pool.memory_fit import Memory, Needs, needs_of

GB = 1_000_000_000


def test_a_packed_model_needs_its_weights_and_the_window_it_is_loaded_with(tmp_path: Path) -> None:
    folder = make_random_decoder(tmp_path, SMALL, "avx2", compiled=False).folder
    demand = demand_of(ModelEntry("Small", tmp_path / "weights.gguf", prepared=folder), 512)
    assert demand.needs == needs_of(SMALL, 512)
    assert (demand.context_window, demand.shape, demand.local) == (512, SMALL, True)
    assert demand.needs.cache == 512 * SMALL.cache_bytes_per_position


@pytest.mark.parametrize(
    ("sizes", "per_position"),
    [
        ('"num_hidden_layers": 2, "num_key_value_heads": 4, "head_dim": 64', 2048),
        ('"num_hidden_layers": 2', 0),
    ],
)
def test_a_model_of_the_official_engine_is_guessed_from_its_files(
    tmp_path: Path, sizes: str, per_position: int
) -> None:
    head = '"model_type": "llama", "quantization": "q4f16_1", "context_window_size": 4096'
    (tmp_path / "mlc-chat-config.json").write_text(f'{{{head}, "model_config": {{{sizes}}}}}')
    demand = demand_of(ModelEntry("Official", tmp_path, "mlc", size_bytes=4 * GB), 1000)
    assert demand.needs == Needs(0, 1000 * per_position, 4 * GB)
    assert demand.shape is None
    assert demand.local


@pytest.mark.parametrize(("kind", "local"), [("scripted", True), ("remote", False)])
def test_models_without_weights_need_nothing(tmp_path: Path, kind: EngineKind, *, local: bool) -> None:
    demand = demand_of(ModelEntry("None", tmp_path / "nowhere", kind), 1000)
    assert demand.needs == NOTHING
    assert demand.local == local


def test_a_folder_that_vanished_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken):
        demand_of(ModelEntry("Gone", tmp_path / "gone"), 512)


LONG = Demand(needs_of(SMALL, 1_000_000), 1_000_000, SMALL)


def test_a_long_window_shrinks_to_what_memory_has_room_for() -> None:
    room = needs_of(SMALL, 100_000).total
    fitting = within(LONG, Memory(2 * room, cached_bytes=0))
    assert 100_000 < fitting.context_window < 300_000
    assert fitting.needs == needs_of(SMALL, fitting.context_window)


def test_a_window_that_fits_stays_as_it_is() -> None:
    assert within(LONG, Memory(100 * GB)) == LONG


def test_a_window_never_shrinks_to_nothing() -> None:
    assert within(LONG, Memory(0)).context_window == LEAST_WINDOW
    short = Demand(needs_of(SMALL, 512), 512, SMALL)
    assert within(short, Memory(0)) == short


def test_what_is_not_known_does_not_shrink() -> None:
    guess = Demand(Needs(0, 0, 4 * GB), 100_000)
    assert within(guess, Memory(0)) == guess
