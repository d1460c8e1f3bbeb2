"""How `tether models` shows models, offers, and what became of a model's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tether_desktop.byte_size import byte_size_text
from tether_desktop.cli.output import note, print_json, print_table, safe
from tether_desktop.model.discovery.catalog import ModelEntry
from tether_desktop.model.install.compile_job import MATRIX_TITLES, MappedMatrix
from tether_desktop.model.install.offers import Offer
from tether_desktop.model.install.progress import Checked
from tether_desktop.model.pool.demand import LEAST_WINDOW, Demand, expected_demand
from tether_desktop.model.pool.memory_fit import VERDICT_TITLES, Fit, Memory, Needs, judge


def print_entries(entries: Sequence[ModelEntry], context_window: int, memory: Memory, *, json: bool) -> None:
    """Print the models that are there, and of those that cannot be used, why.

    Args:
        entries: what to print.
        context_window: the one of the settings; 0 takes the model's own.
        memory: what is free.
        json: as JSON.
    """
    demands = [expected_demand(entry, context_window, memory) for entry in entries]
    if json:
        print_json([_entry_json(entry, demand, memory) for entry, demand in zip(entries, demands, strict=True)])
        return
    rows = [_entry_row(entry, demand, memory) for entry, demand in zip(entries, demands, strict=True)]
    print_table(("MODEL", "SIZE", "CONTEXT", "MEMORY", "STATE"), rows)
    for entry in entries:
        if not entry.usable:
            note(safe(f"\n{entry.name}: {entry.reason}\n  {entry.remedy}"))


def print_offers(offers: Sequence[Offer], memory: Memory, *, json: bool) -> None:
    """Print the models that can be added by name."""
    fits = [judge(Needs(0, 0, offer.memory_bytes), memory) for offer in offers]
    if json:
        print_json([{**asdict(offer), "fit": _plain(fit)} for offer, fit in zip(offers, fits, strict=True)])
        return
    rows = [
        (offer.id, byte_size_text(offer.download_bytes), _memory(fit), offer.licence, offer.description)
        for offer, fit in zip(offers, fits, strict=True)
    ]
    print_table(("NAME", "DOWNLOAD", "MEMORY", "LICENCE", ""), rows)


def print_mappings(mappings: Sequence[MappedMatrix]) -> None:
    """Print what became of a model's weights, matrix by matrix."""
    rows = [
        (
            MATRIX_TITLES.get(mapped.matrix, mapped.matrix),
            ", ".join(mapped.encodings),
            mapped.tile_format,
            "none" if mapped.exact else f"{mapped.relative_rms:.2%}",
        )
        for mapped in mappings
    ]
    print_table(("MATRIX", "SOURCE", "HERE", "DIFFERENCE"), rows)


def forecast(checked: Checked) -> str:
    """What is about to be made, in a line or two."""
    fit = checked.fit
    text = (
        f"{checked.name}: {byte_size_text(checked.size_bytes)} of weights. With a context window of "
        f"{checked.context_window:,} tokens it takes {byte_size_text(fit.needed_bytes)} of memory, of which "
        f"{byte_size_text(fit.free_bytes)} are free: {VERDICT_TITLES[fit.verdict]}."
    )
    if fit.verdict != "fits" and LEAST_WINDOW <= checked.largest_context < checked.context_window:
        text += f"\n{checked.largest_context:,} tokens fit with ease: with so many it is loaded if nothing else is set."
    return safe(text)


def _entry_json(entry: ModelEntry, demand: Demand, memory: Memory) -> dict[str, Any]:
    fit = judge(demand.needs, memory) if demand.needs.total else None
    loaded_with = {} if fit is None else {"loaded_context_window": demand.context_window}
    return {**asdict(entry), "fit": _plain(fit), **loaded_with}


def _entry_row(entry: ModelEntry, demand: Demand, memory: Memory) -> tuple[str, ...]:
    return (
        entry.name,
        byte_size_text(entry.size_bytes) if entry.size_bytes else "-",
        _window(entry, demand),
        _memory(judge(demand.needs, memory)) if demand.needs.total else "-",
        "usable" if entry.usable else "not usable",
    )


def _window(entry: ModelEntry, demand: Demand) -> str:
    own = str(entry.context_window or "-")
    return f"{demand.context_window} of {own}" if 0 < demand.context_window < entry.context_window else own


def _memory(fit: Fit) -> str:
    return f"{byte_size_text(fit.needed_bytes)}, {VERDICT_TITLES[fit.verdict]}"


def _plain(fit: Fit | None) -> dict[str, Any] | None:
    return None if fit is None else asdict(fit)
