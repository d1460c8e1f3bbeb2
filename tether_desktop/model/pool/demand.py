"""What loading a model asks of this computer, as far as its folder tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tether_desktop.errors import ModelError
from tether_desktop.model.decoder_shape import DecoderShape
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.discovery.model_folder import read_config
from tether_desktop.model.pool.memory_fit import Memory, Needs, largest_context, needs_of

NOTHING = Needs(0, 0, 0)

LEAST_WINDOW = 4096
"""Tokens; with fewer a conversation is soon forgotten."""

_CACHE_SIZES = ("num_hidden_layers", "num_key_value_heads", "head_dim")


@dataclass(frozen=True, slots=True)
class Demand:
    """What loading a model asks for.

    Attributes:
        needs: memory, in bytes.
        context_window: tokens, as it is to be loaded.
        shape: of the decoder; known of our engine's models only. For the others memory is a guess, since
            they may lie in that of a graphics card.
        local: whether it is computed here at all.
    """

    needs: Needs = NOTHING
    context_window: int = 0
    shape: DecoderShape | None = None
    local: bool = True


def demand_of(entry: ModelEntry, context_window: int) -> Demand:
    """What the model of an entry needs with a context window of so many tokens.

    Raises:
        ModelBroken: its folder cannot be understood.
    """
    if entry.kind in {"remote", "scripted"}:
        return Demand(NOTHING, context_window, local=entry.kind == "scripted")
    config = read_config(entry.model_dir)
    if config.shape is not None:
        return Demand(needs_of(config.shape, context_window), context_window, config.shape)
    # Its weights are copied, not mapped: the system cannot drop them.
    return Demand(Needs(0, _cache_bytes(config.sizes) * context_window, entry.size_bytes), context_window)


def within(demand: Demand, memory: Memory) -> Demand:
    """The same with as large a context window as fits with ease, where the model's own is larger.

    It never becomes smaller than LEAST_WINDOW: a model that does not even fit so shall be refused.
    """
    if demand.shape is None:
        return demand
    window = max(largest_context(demand.shape, memory), LEAST_WINDOW)
    return demand if window >= demand.context_window else Demand(needs_of(demand.shape, window), window, demand.shape)


def expected_demand(entry: ModelEntry, context_window: int, memory: Memory) -> Demand:
    """What a model would be loaded with now; nothing where nothing is computed here, or where that cannot be said.

    Args:
        entry: as the catalogue lists it.
        context_window: the one of the settings, in tokens; 0 takes the model's own, as far as memory allows.
        memory: what is free.
    """
    window = min((size for size in (context_window, entry.context_window) if size), default=0)
    try:
        demand = demand_of(entry, window)
    except ModelError:
        return Demand()
    return demand if context_window else within(demand, memory)


def _cache_bytes(sizes: Mapping[str, int]) -> int:
    """Bytes of a position's keys and values in float16, 0 where the folder does not tell."""
    layers, heads, head_dim = (sizes.get(name, 0) for name in _CACHE_SIZES)
    return 4 * layers * heads * head_dim
