"""Keeps a tokenizer from giving tokens that the embedding has no row for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tether_desktop.errors import ModelBroken

_TOKENIZER = "tokenizer.json"
_CONFIG = "tokenizer_config.json"


def fit_tokenizer(files: dict[str, bytes], rows: int) -> dict[str, bytes]:
    """The files of a tokenizer whose every token is below ``rows``.

    Some text models share the tokenizer of a larger sibling, which adds a token for images at its end; such added
    tokens are left out.

    Args:
        files: contents by name.
        rows: of the embedding; tokens may be fewer, as embeddings are padded.

    Raises:
        ModelBroken: the vocabulary itself has more tokens, or the files cannot be read.
    """
    tokenizer = _parse(files, _TOKENIZER)
    try:
        added = [token for token in tokenizer.get("added_tokens", ()) if token["id"] >= rows]
        names = {token["content"] for token in added}
        beyond = {token for token, number in _vocabulary(tokenizer) if number >= rows}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _refused(f"its {_TOKENIZER} does not describe a vocabulary ({type(error).__name__}).") from error
    if beyond - names:
        raise _refused(f"it has tokens beyond the {rows:,} rows of the embedding, as {min(beyond - names)[:40]!r}.")
    return files | _without(rows, tokenizer, _parse(files, _CONFIG)) if names else files


def _vocabulary(tokenizer: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Tokens and their ids; Unigram has a list of tokens and scores."""
    vocabulary = tokenizer["model"]["vocab"]
    if isinstance(vocabulary, list):
        yield from ((str(entry[0]), number) for number, entry in enumerate(vocabulary))
    else:
        yield from vocabulary.items()


def _without(rows: int, tokenizer: dict[str, Any], config: dict[str, Any]) -> dict[str, bytes]:
    """The two files without the tokens that have no row."""
    model = tokenizer["model"]
    if isinstance(model["vocab"], list):
        model["vocab"] = model["vocab"][:rows]
    else:
        model["vocab"] = {token: number for token, number in model["vocab"].items() if number < rows}
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["id"] < rows]
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, dict):
        config["added_tokens_decoder"] = {key: token for key, token in decoder.items() if int(key) < rows}
    return {_TOKENIZER: _written(tokenizer), _CONFIG: _written(config)}


def _parse(files: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = json.loads(files[name])
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused(f"its {name} cannot be read ({type(error).__name__}).") from error
    if not isinstance(document, dict):
        raise _refused(f"its {name} holds no object.")
    return document


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _refused(reason: str) -> ModelBroken:
    return ModelBroken("The model cannot be packed", f"The tokenizer does not fit: {reason}", "Choose another model.")
