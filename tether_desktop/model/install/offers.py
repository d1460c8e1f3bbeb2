"""The catalogue of good models that can be fetched, with what they need and under which licence they come."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tether_desktop import paths
from tether_desktop.errors import ModelNotFound


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be added by its name.

    Attributes:
        id: what it is added by, such as "qwen2.5-0.5b-instruct".
        title: its name for people.
        description: what it is good for, in one line.
        source: where it comes from: ``hf:org/name:file``.
        licence: SPDX identifier, or "LicenseRef-" and a name where SPDX knows none.
        licence_url: the terms.
        must_accept: whether these are terms of use that a person has to agree to, and no free licence.
        parameters: how many weights it has, about.
        download_bytes: about.
        memory_bytes: about; weights, KV cache and scratch of a conversation of 4,096 tokens.
        context_window: tokens it was made for.
    """

    id: str
    title: str
    description: str
    source: str
    licence: str
    licence_url: str
    must_accept: bool
    parameters: int
    download_bytes: int
    memory_bytes: int
    context_window: int


@cache
def load_offers() -> tuple[Offer, ...]:
    """All offers, the smallest download first."""
    offers = [_offer(entry) for entry in json.loads(_path().read_text(encoding="utf-8"))["models"]]
    return tuple(sorted(offers, key=lambda offer: offer.download_bytes))


def find_offer(name: str) -> Offer:
    """The offer of that id; capital letters do not matter.

    Raises:
        ModelNotFound: there is none.
    """
    wanted = name.strip().casefold()
    for offer in load_offers():
        if offer.id == wanted:
            return offer
    raise ModelNotFound(
        "There is no such model to add",
        f"{name[:80]!a} is not in the catalogue.",
        f"It has {', '.join(offer.id for offer in load_offers())}.",
    )


def _offer(entry: dict[str, Any]) -> Offer:
    about = entry["about"]
    return Offer(
        id=entry["id"],
        title=entry["title"],
        description=entry["description"],
        source=entry["source"],
        licence=entry["licence"],
        licence_url=entry["licence_url"],
        must_accept=entry["must_accept"],
        parameters=round(about["parameters_millions"] * 1_000_000),
        download_bytes=about["download_megabytes"] * 1_000_000,
        memory_bytes=about["memory_megabytes_at_4k"] * 1_000_000,
        context_window=entry["context_window"],
    )


def _path() -> Path:
    return paths.resources_dir() / "models.json"
