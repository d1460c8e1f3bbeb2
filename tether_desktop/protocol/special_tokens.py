"""Reads which texts a model's tokenizer takes for special tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from os.path import commonprefix
from pathlib import Path
from typing import Any

from tether_desktop.errors import ModelBroken

_LARGEST_TOKENIZER = 64 << 20
_LONGEST_LIST = 8 << 20
_MOST_TRIES = 8
_MOST_CHARACTERS = 1_000_000
"""Of all special tokens together, ten times as many as the largest vocabularies have; they become one expression."""

_ID = re.compile(r"\d{1,9}", re.ASCII)
_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens of a tokenizer.

    Attributes:
        texts: every text that is encoded as one special token.
        by_id: text of each added token, for templates that name tokens by their number.
        named: ``bos_token``, ``eos_token``… as tokenizer_config.json names them, for chat templates.
    """

    texts: frozenset[str] = frozenset()
    by_id: dict[int, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)


def read_special_tokens(model_dir: Path, tokenizer_config: dict[str, Any]) -> SpecialTokens:
    """Collect them from tokenizer.json and from the parsed tokenizer_config.json.

    Raises:
        ModelBroken: they are absurdly many.
    """
    added = [*_added_tokens(model_dir / "tokenizer.json"), *_declared_tokens(tokenizer_config)]
    named = {name: text for name in _NAMED if (text := token_text(tokenizer_config.get(name)))}
    others = map(token_text, _listed(tokenizer_config.get("additional_special_tokens")))
    special = {text for _, text, is_special in added if is_special}
    if sum(map(len, special)) > _MOST_CHARACTERS:
        raise _absurd(model_dir)
    return SpecialTokens(
        texts=frozenset(special.union(named.values(), others) - {""}),
        by_id={number: text for number, text, _ in added},
        named=named,
    )


def any_of(texts: Iterable[str], depth: int = 8) -> str:
    """A regular expression for the longest of some texts.

    Some vocabularies have thousands of special tokens. Texts that begin alike share their beginning in the
    expression, so that each character of a message is compared with a few beginnings and not with every token.

    Args:
        texts: what to find; empty ones are found last.
        depth: how often texts are grouped; those of a group after that are listed one by one.
    """
    ordered = sorted(texts, key=len, reverse=True)
    if len(ordered) < 2 or not depth:
        return "|".join(map(re.escape, ordered))
    groups: dict[str, list[str]] = {}
    for text in ordered:
        groups.setdefault(text[:1], []).append(text)
    return "|".join(_group(group, depth) for group in groups.values())


def _group(texts: list[str], depth: int) -> str:
    """An expression for texts with the same first character."""
    beginning = commonprefix(texts)  # noqa: RUF071 — characters are meant, not folders
    rest = any_of((text[len(beginning) :] for text in texts), depth - 1)
    return re.escape(beginning) + (f"(?:{rest})" if rest else "")


def token_text(token: object) -> str:
    """A token written either as a string or as an object with ``content``; empty for neither."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else ""


def _declared_tokens(tokenizer_config: dict[str, Any]) -> Iterator[tuple[int, str, bool]]:
    declared = tokenizer_config.get("added_tokens_decoder")
    for number, token in declared.items() if isinstance(declared, dict) else ():
        if _ID.fullmatch(str(number)) and isinstance(token, dict):
            yield int(number), token_text(token), bool(token.get("special"))


def _added_tokens(path: Path) -> Iterator[tuple[int, str, bool]]:
    for token in _added_tokens_list(path):
        if isinstance(token, dict) and isinstance(token.get("id"), int):
            yield token["id"], token_text(token), bool(token.get("special"))


def _added_tokens_list(path: Path) -> list[Any]:
    """The ``added_tokens`` list alone.

    Vocabularies are many megabytes, and parsing one would hold the interpreter lock for a tenth of
    a second; this list lies near the beginning.
    """
    try:
        if path.stat().st_size > _LARGEST_TOKENIZER:
            raise _absurd(path.parent)
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    for key in islice(re.finditer(r'"added_tokens"\s*:\s*(?=\[)', text), _MOST_TRIES):
        try:
            return _listed(json.JSONDecoder().raw_decode(text[key.end() : key.end() + _LONGEST_LIST])[0])
        except RecursionError as error:
            raise _absurd(path.parent) from error
        except ValueError as error:
            if len(text) - key.end() > _LONGEST_LIST:
                raise _absurd(path.parent) from error
    return []


def _absurd(model_dir: Path) -> ModelBroken:
    return ModelBroken(
        "The model cannot hold a conversation",
        f"The special tokens of {model_dir.name} are more, or longer, than any model needs.",
        "Choose another model.",
    )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
