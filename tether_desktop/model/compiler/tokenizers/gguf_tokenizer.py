"""The tokenizer and chat template in the metadata of a GGUF file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizers.byte_level import build_byte_level, read_merges
from tether_desktop.model.compiler.tokenizers.files import (
    TokenizerFiles,
    end_token_ids,
    is_unmistakable,
    tokenizer_files,
)
from tether_desktop.model.compiler.tokenizers.sentence_piece import build_sentence_piece, derive_merges
from tether_desktop.model.compiler.tokenizers.text_split import text_split
from tether_desktop.model.compiler.tokenizers.tokenizer_json import try_tokenizer_json, write_tokenizer_json
from tether_desktop.model.compiler.tokenizers.vocabulary import TokenKind, Vocabulary, check_vocabulary, refused

_KEY = "tokenizer.ggml."
_NAMED = ("bos", "eos", "eot", "eom", "unknown", "padding")
_BYTE_LEVEL, _SENTENCE_PIECE = "gpt2", "llama"
_SENTENCE_PIECE_IDS = {"bos": 1, "eos": 2, "unknown": 0}
"""What a file means that does not name them."""

_HINT = "Take the model's Hugging Face folder, which has a tokenizer.json, or choose another model."


def read_gguf_tokenizer(file: GgufFile) -> TokenizerFiles:
    """Rebuild the tokenizer.

    Raises:
        ModelBroken: it is missing, contradictory or of a kind that is not known.
    """
    name, kind = file.path.name, file.require(_KEY + "model", str)
    if kind not in {_BYTE_LEVEL, _SENTENCE_PIECE}:
        known = f"{_BYTE_LEVEL!r} and {_SENTENCE_PIECE!r}"
        raise refused(name, f"its tokenizer is of the kind {kind!r}; {known} can be used", _HINT)
    marks_spaces = kind == _SENTENCE_PIECE
    scores = file.require(_KEY + "scores", list) if marks_spaces else None
    tokens, kinds = file.require(_KEY + "tokens", list), file.get(_KEY + "token_type", [])
    vocabulary = check_vocabulary(name, tokens, kinds, scores)
    named = {key: _special_id(file, vocabulary, key, marks_spaces=marks_spaces) for key in _NAMED}
    vocabulary = _marked_special(vocabulary, named.values())
    contents = _sentence_piece(file, vocabulary) if marks_spaces else _byte_level(file, vocabulary)
    try_tokenizer_json(name, contents)
    return _complete(file, vocabulary, contents, named)


def _marked_special(vocabulary: Vocabulary, named: Iterable[int | None]) -> Vocabulary:
    """The vocabulary with control tokens where a converter took them for words."""
    kinds = list(vocabulary.kinds)
    for number in [*named, *(number for token, number in vocabulary.ids().items() if is_unmistakable(token))]:
        if number is not None and kinds[number] not in {TokenKind.UNKNOWN, TokenKind.BYTE}:
            kinds[number] = TokenKind.CONTROL
    return replace(vocabulary, kinds=kinds)


def _byte_level(file: GgufFile, vocabulary: Vocabulary) -> bytes:
    name = _split_name(file, vocabulary)
    split = text_split(name)
    if split is None:
        raise refused(file.path.name, f"how its tokenizer cuts text into words, {name!r}, is not known", _HINT)
    merges = read_merges(file.path.name, file.require(_KEY + "merges", list), vocabulary)
    return write_tokenizer_json(build_byte_level(vocabulary, split), merges)


def _split_name(file: GgufFile, vocabulary: Vocabulary) -> str:
    """The name of the split; files from before there were names are recognised where that is certain."""
    name = file.get(_KEY + "pre", "default")
    if name != "default":
        return name
    if "<|begin_of_text|>" in vocabulary.tokens:
        return "llama-bpe"
    return "qwen2" if file.get("general.architecture", "") in {"qwen2", "qwen3"} else name


def _sentence_piece(file: GgufFile, vocabulary: Vocabulary) -> bytes:
    has_prefix = file.get(_KEY + "add_space_prefix", True)
    # Phi 3's own tokenizer does so; GGUF has no place for it.
    is_phi3 = file.get("general.architecture", "") == "phi3"
    strips = set(vocabulary.of(TokenKind.CONTROL)) - {"<s>", "<|endoftext|>"} if is_phi3 else ()
    tokenizer = build_sentence_piece(vocabulary, "always" if has_prefix else "never", strips)
    return write_tokenizer_json(tokenizer, derive_merges(vocabulary))


def _complete(file: GgufFile, vocabulary: Vocabulary, contents: bytes, named: dict[str, int | None]) -> TokenizerFiles:
    ids = vocabulary.ids()
    special = {token: ids[token] for token in vocabulary.of(TokenKind.CONTROL)}
    words = {token: ids[token] for token in vocabulary.of(TokenKind.USER_DEFINED)}
    ends = end_token_ids((named["eos"], named["eot"], named["eom"]), special)
    if not ends:
        raise refused(file.path.name, "it names no token that ends a reply")
    return tokenizer_files(
        {"tokenizer.json": contents},
        _config(file, {name: None if number is None else vocabulary.tokens[number] for name, number in named.items()}),
        added=special | words,
        bos_token_id=named["bos"],
        eos_token_ids=ends,
        marks_spaces=bool(vocabulary.scores),
    )


def _config(file: GgufFile, named: dict[str, str | None]) -> dict[str, Any]:
    """Content of ``tokenizer_config.json``."""
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": file.get(_KEY + "add_bos_token", False),
        "clean_up_tokenization_spaces": False,
        "bos_token": named["bos"],
        "eos_token": named["eos"],
        "pad_token": named["padding"],
        "unk_token": named["unknown"],
    }
    template = file.get("tokenizer.chat_template", "")
    return config | ({"chat_template": template} if template else {})


def _special_id(file: GgufFile, vocabulary: Vocabulary, name: str, *, marks_spaces: bool) -> int | None:
    key = f"{_KEY}{name}_token_id"
    if key not in file.fields:
        number = _SENTENCE_PIECE_IDS.get(name) if marks_spaces else None
        return number if number is not None and number < len(vocabulary.tokens) else None
    number = file.require(key, int)
    if not 0 <= number < len(vocabulary.tokens):
        raise refused(file.path.name, f"its {name} token {number} is not of its vocabulary")
    return number
