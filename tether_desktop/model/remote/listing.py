"""The models a server lists, and what it says about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_MODELS = 2000
_LONGEST_ID = 200
_WINDOWS = range(64, 100_000_001)
_WINDOW_KEYS = ("max_model_len", "n_ctx", "context_length", "context_window", "max_context_length")


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of a server.

    Attributes:
        id: what the server calls it.
        context_window: tokens of prompt and reply together; 0 where the server does not tell.
        trained_window: tokens it was trained for, where the server tells that instead; else 0.
        owner: who the server says it is of, by which servers can be told apart.
    """

    id: str
    context_window: int = 0
    trained_window: int = 0
    owner: str = ""


def parse_models(document: object) -> list[ListedModel] | None:
    """The models of an answer, each once and in its order; None when it is no list of models."""
    listed = document.get("data") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        return None
    models = {each["id"]: _model(each) for each in listed if isinstance(each, dict) and is_model_id(each.get("id"))}
    return list(models.values())[:MOST_MODELS]


def is_model_id(value: object) -> bool:
    """Whether that can be the name of a model, and be shown as such."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable() and value == value.strip()


def context_of(fields: dict[str, Any]) -> int:
    """The context window that a server tells with a model; 0 where it tells none that could be true."""
    return next((fields[key] for key in _WINDOW_KEYS if type(fields.get(key)) is int and fields[key] in _WINDOWS), 0)


def _model(fields: dict[str, Any]) -> ListedModel:
    meta = fields.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    trained = context_of({"n_ctx": meta.get("n_ctx_train")})
    owner = fields.get("owned_by")
    owner = owner[:_LONGEST_ID] if isinstance(owner, str) else ""
    return ListedModel(fields["id"], context_of(fields) or context_of(meta), trained, owner)
