"""How models and offers would fit into the memory that is free; computed in the worker's thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_desktop.model.pool.memory_fit import Needs, Verdict, judge, memory_now

if TYPE_CHECKING:
    from tether_desktop.model.discovery.entry import ModelEntry
    from tether_desktop.model.install.offers import Offer


@dataclass(frozen=True, slots=True)
class RatedOffer:
    """An offer of the catalogue, and how it would fit."""

    offer: Offer
    fit: Verdict


def fits_of(entries: Sequence[ModelEntry], context_window: int) -> dict[str, Verdict]:
    """How the usable models fit, by their names; those that are computed elsewhere are left out.

    Args:
        entries: as the catalogue lists them.
        context_window: the one of the settings, in tokens; 0 takes each model's own.
    """
    # Imported here, as it is needed only once there are models.
    from tether_desktop.model.pool.demand import expected_demand

    memory = memory_now()
    usable = [entry for entry in entries if entry.usable]
    needs = {entry.name: expected_demand(entry, context_window, memory).needs for entry in usable}
    return {name: judge(need, memory).verdict for name, need in needs.items() if need.total}


def rated_offers() -> list[RatedOffer]:
    """All offers, the smallest download first."""
    from tether_desktop.model.install.offers import load_offers

    memory = memory_now()
    return [RatedOffer(offer, judge(Needs(0, 0, offer.memory_bytes), memory).verdict) for offer in load_offers()]
