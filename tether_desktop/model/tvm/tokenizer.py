"""Text to token ids and back: prompts whose literal parts cannot forge special tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from tokenizers import Encoding, Tokenizer, pre_tokenizers

from tether_desktop.errors import ModelBroken
from tether_desktop.model.engine import Prompt
from tether_desktop.model.tvm.detokenizer import IncrementalDetokenizer, token_decoder

_NO_MARKERS: frozenset[int] = frozenset()


class _Place(NamedTuple):
    """Where a special token is: among the ids, and from where to where in the text."""

    at: int
    start: int
    stop: int


class ModelTokenizer:
    """The tokenizer of a model folder.

    Attributes:
        eos_ids: tokens that end a reply.
        special_ids: tokens that are never text: neither read from literal text nor shown.
        vocab_size: number of tokens.
        strips_first_space: a reply's first space belongs to the format and not to the text.
    """

    def __init__(self, model_dir: Path) -> None:
        """Read ``tokenizer.json`` and the ids that end a reply.

        Raises:
            ModelBroken: a file is missing or cannot be understood.
        """
        path = model_dir / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
            self._decoder = token_decoder(self._tokenizer)
        except ModelBroken:
            raise
        except BaseException as error:  # what the library does not understand may be a panic, which is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise _broken(path, str(error)) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._lock = threading.Lock()
        self.strips_first_space = self._decoder.strips_first_space
        self._first_only = list(_metaspaces_for_the_first_text(self._tokenizer.pre_tokenizer))
        added = self._tokenizer.get_added_tokens_decoder()
        self.vocab_size: int = max(self._tokenizer.get_vocab_size(), *(number + 1 for number in added), 0)
        self.eos_ids = _read_eos_ids(model_dir)
        self.special_ids = frozenset(i for i, token in added.items() if token.special) | self.eos_ids
        self._words = {i: token.content for i, token in added.items() if i not in self.special_ids}

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt; no token is added that the prompt does not spell out.

        Text is tokenized across the borders of pieces, as if it were one, except at special tokens.

        Raises:
            ModelBroken: the tokenizer fails on the text.
        """
        ids: list[int] = []
        text = ""
        for piece in prompt:
            content = _valid_unicode(piece.text)
            found, places = ([], []) if piece.literal else self._recognise(content)
            if not places:
                text += content
                continue
            first, last = places[0], places[-1]
            ids += self._encode_literal(text + content[: first.start], at_start=not ids)
            ids += found[first.at : last.at + 1]
            text = content[last.stop :]
        return ids + self._encode_literal(text, at_start=not ids)

    def encode_inside(self, text: str, *, at_start: bool) -> list[int] | None:
        """Ids of plain text in a reply, just as the tokenizer cuts it; None where it would write other bytes.

        Args:
            text: what the tokens stand for, to the byte.
            at_start: the reply begins with it, so that a first space which is no text may stand before it.
        """
        data = text.encode()
        ids = self._encode_literal(text, at_start=at_start)
        if self._spells(ids, data) or (at_start and self.strips_first_space and self._spells(ids, b" " + data)):
            return ids
        # Some tokenizers put a space before every text; behind a line break there is none.
        ids = self._encode_literal(f"\n{text}", at_start=False)
        return next((ids[cut:] for cut in range(1, 4) if self._spells(ids[cut:], data)), None)

    def detokenizer(self, markers: frozenset[int] = _NO_MARKERS) -> IncrementalDetokenizer:
        """A fresh detokenizer, for one reply; ``markers`` come through as text, see :meth:`marker_ids`."""
        return IncrementalDetokenizer(partial(self.token_bytes, markers=markers), self._decoder)

    def marker_ids(self, markers: Iterable[str]) -> frozenset[int]:
        """The special tokens of these texts that may stand in a reply; one that ends replies never does."""
        ids = (self._tokenizer.token_to_id(marker) for marker in markers)
        return frozenset(token for token in ids if token in self.special_ids and token not in self.eos_ids)

    def spelling(self, token: int, markers: frozenset[int] = _NO_MARKERS) -> str | None:
        """The bytes a token stands for, each as the character of its number; None for one that is not shown."""
        hidden = token in self.special_ids and token not in markers
        if hidden or self._tokenizer.id_to_token(token) is None:
            return None
        return self.token_bytes(token, markers).decode("latin-1")

    def token_text(self, token: int) -> str:
        """A token by itself as text: bytes that are no whole character are replaced, special ones spelled out."""
        if token in self.special_ids:
            return self._tokenizer.id_to_token(token) or ""
        return self.token_bytes(token).decode("utf-8", "replace")

    def token_bytes(self, token: int, markers: frozenset[int] = _NO_MARKERS) -> bytes:
        """The UTF-8 bytes that a token adds to the text; none for one that is not shown."""
        if token in self.special_ids:
            return self.token_text(token).encode() if token in markers else b""
        if token in self._words:
            return self._decoder.word_bytes(self._words[token])
        return self._decoder.token_bytes(self._tokenizer.id_to_token(token) or "")

    def _recognise(self, text: str) -> tuple[list[int], list[_Place]]:
        """Ids of a text that may spell special tokens, and where those are."""
        encoding = self._run(text, at_start=True, literal=False)
        ids: list[int] = encoding.ids
        found = [index for index, token in enumerate(ids) if token in self.special_ids]
        offsets = encoding.offsets if found else []
        return ids, [_Place(index, *offsets[index]) for index in found]

    def _encode_literal(self, text: str, *, at_start: bool) -> list[int]:
        """Ids of plain text, never special ones, even where a vocabulary could spell them."""
        if not text:
            return []
        ids: list[int] = self._run(text, at_start=at_start, literal=True).ids
        if self.special_ids.isdisjoint(ids):
            return ids
        return [token for token in self._encode_characters(text) if token not in self.special_ids]

    def _encode_characters(self, text: str) -> Iterator[int]:
        """Ids of each character by itself."""
        tokenizer = self._tokenizer
        written = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        if tokenizer.pre_tokenizer:
            written = "".join(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(written))
        model = tokenizer.model
        return (token.id for character in written for token in model.tokenize(character))

    def _spells(self, ids: Iterable[int], data: bytes) -> bool:
        return b"".join(map(self.token_bytes, ids)) == data

    def _run(self, text: str, *, at_start: bool, literal: bool) -> Encoding:
        try:
            with self._lock:
                self._tokenizer.encode_special_tokens = literal
                for metaspace in self._first_only:
                    metaspace.prepend_scheme = "first" if at_start else "never"
                return self._tokenizer.encode(text, add_special_tokens=False)
        except BaseException as error:  # a panic of the library, as over an endless search, is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise _broken(Path("tokenizer.json"), f"it fails on this text ({error})") from None


def _metaspaces_for_the_first_text(
    pre_tokenizer: pre_tokenizers.PreTokenizer | None,
) -> Iterator[pre_tokenizers.Metaspace]:
    """The steps that put a space before the first text only; to the library, every text it is given is the first."""
    if isinstance(pre_tokenizer, pre_tokenizers.Metaspace) and pre_tokenizer.prepend_scheme == "first":
        yield pre_tokenizer
    elif isinstance(pre_tokenizer, pre_tokenizers.Sequence):
        for step in cast("list[pre_tokenizers.PreTokenizer]", pre_tokenizer):
            yield from _metaspaces_for_the_first_text(step)


def _read_eos_ids(model_dir: Path) -> frozenset[int]:
    config = _read_json(model_dir / "mlc-chat-config.json")
    ids = _ids(config.get("eos_token_id"))
    template = config.get("conv_template")
    if isinstance(template, dict):
        ids |= _ids(template.get("stop_token_ids"))
    generation = model_dir / "generation_config.json"
    if generation.is_file():
        ids |= _ids(_read_json(generation).get("eos_token_id"))
    return ids


def _ids(value: object) -> frozenset[int]:
    """Token ids written as one number, a list of them, or not at all."""
    values = value if isinstance(value, list) else [value]
    return frozenset(item for item in values if type(item) is int)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, str(error)) from error
    if not isinstance(value, dict):
        raise _broken(path, "it is no JSON object")
    return value


def _valid_unicode(text: str) -> str:
    """Text with lone surrogates, which have no UTF-8 form, replaced."""
    return text.encode("utf-8", "replace").decode()


def _broken(path: Path, reason: str) -> ModelBroken:
    return ModelBroken(
        "The model's tokenizer cannot be read", f"{path.name}: {reason}.", "Verify the model, or add it again."
    )
