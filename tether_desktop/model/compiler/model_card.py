"""The model card of a packed folder: where the model comes from, its licence, and what packing changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tether_desktop.model.compiler.mapping import Mapping

_MATRIX_TITLES = {
    "embed": "embedding",
    "qkv": "query, key and value",
    "o": "attention output",
    "gate_up": "gate and up",
    "down": "down",
    "lm_head": "head",
}
_PLAIN_LICENCE = re.compile(r"[\w.+() -]{1,80}")

_CARD = """\
{front_matter}# {name}

A model in the form that Tether runs, made on a computer of its user from weights in another form.

## Origin

{origin}

## Licence

{licence}

## Weights

The tensors are those of the source in another order: in tiles of 16 rows by 32 columns, query, key and value in one
matrix, gate and up in another; layers whose weights have another type are listed apart. What that changed about the
weights, as the root of the squared differences by the squared weights:

| matrix | in the source | here | difference |
|---|---|---|---|
{rows}

`q4_0`, `q5_0` and `q8_0` have levels of 4, 5 and 8 bits and a scale for 32 weights; `q4_1` and `q5_1` have a minimum
besides. Vectors are stored as 32-bit floats.
"""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model beside its weights.

    Attributes:
        name: of the packed model.
        origin: where it comes from, in words.
        licence: in short, as "apache-2.0"; empty when it is not known.
        notes: more for its model card, as Markdown; may be empty.
    """

    name: str
    origin: str
    licence: str = ""
    notes: str = ""


def model_card(card: Card, mappings: Iterable[Mapping]) -> str:
    """The card as Markdown."""
    licence = _one_line(card.licence)
    text = _CARD.format(
        front_matter=f"---\nlicense: {licence}\n---\n\n" if _PLAIN_LICENCE.fullmatch(licence) else "",
        name=_one_line(card.name),
        origin=_one_line(card.origin) or "It is not known where the source weights come from.",
        licence=licence or "It is not known; look where the model comes from before you pass it on.",
        rows="\n".join(map(_row, mappings)),
    )
    return f"{text}\n{card.notes.strip()}\n" if card.notes.strip() else text


def _row(mapping: Mapping) -> str:
    difference = "none" if mapping.exact else f"{mapping.relative_rms * 100:.2g} %"
    return (
        f"| {_MATRIX_TITLES[mapping.matrix]} | {', '.join(mapping.encodings)} | {mapping.tile_format} | {difference} |"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
