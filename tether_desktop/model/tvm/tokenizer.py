"""Text to token ids and back: prompts whose literal parts cannot forge special tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tether_desktop.errors import ModelBroken
from tether_desktop.model.engine import Prompt
from tether_desktop.model.tvm.detokenizer import IncrementalDetokenizer, TokenDecoder


class ModelTokenizer:
    """The tokenizer of a model folder.

    Attributes:
        eos_ids: tokens that end a reply.
        special_ids: tokens that are never text: neither read from literal text nor shown.
        vocab_size: number of tokens.
    """

    def __init__(self, model_dir: Path) -> None:
        """Read ``tokenizer.json`` and the ids that end a reply.

        Raises:
            ModelBroken: a file is missing or cannot be understood.
        """
        path = model_dir / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
            # Its state is its JSON object; parsing the whole file for it would double the time to load.
            decoder = self._tokenizer.decoder
            self._decoder = TokenDecoder(json.loads(decoder.__getstate__()) if decoder else None)
        except ModelBroken:
            raise
        except Exception as error:  # the library raises nothing more exact for a file it does not understand
            raise _broken(path, str(error)) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.vocab_size: int = self._tokenizer.get_vocab_size()
        added = self._tokenizer.get_added_tokens_decoder()
        self.eos_ids = _read_eos_ids(model_dir)
        self.special_ids = frozenset(i for i, token in added.items() if token.special) | self.eos_ids

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt; no token is added that the prompt does not spell out.

        Text is tokenized across the borders of pieces, as if it were one, except at special tokens.
        """
        ids: list[int] = []
        text = ""
        for part in self._split(prompt):
            if isinstance(part, str):
                text += part
            else:
                ids += [*self._encode_literal(text), part]
                text = ""
        return ids + self._encode_literal(text)

    def detokenizer(self) -> IncrementalDetokenizer:
        """A fresh detokenizer, for one reply."""
        return IncrementalDetokenizer(self.spelling, self._decoder)

    def _split(self, prompt: Prompt) -> Iterator[str | int]:
        """Texts, and between them the special tokens of the pieces that are not literal."""
        for piece in prompt:
            text = _valid_unicode(piece.text)
            if piece.literal:
                yield text
                continue
            self._tokenizer.encode_special_tokens = False
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
            end = 0
            for token, (start, stop) in zip(encoding.ids, encoding.offsets, strict=True):
                if token in self.special_ids:
                    yield text[end:start]
                    yield token
                    end = stop
            yield text[end:]

    def _encode_literal(self, text: str) -> list[int]:
        """Ids of plain text, never special ones, even where a vocabulary could spell them."""
        self._tokenizer.encode_special_tokens = True
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        if self.special_ids.isdisjoint(ids):
            return ids
        characters = self._tokenizer.encode_batch(list(text), add_special_tokens=False)
        return [token for encoding in characters for token in encoding.ids if token not in self.special_ids]

    def spelling(self, token: int) -> str | None:
        """The vocabulary's spelling of a token, or None for one that is not shown."""
        if token in self.special_ids:
            return None
        spelling: str | None = self._tokenizer.id_to_token(token)
        return spelling

    def token_text(self, token: int) -> str:
        """A token by itself as text: bytes that are no whole character are replaced, special ones spelled out."""
        spelling: str = self._tokenizer.id_to_token(token) or ""
        if token in self.special_ids:
            return spelling
        return self._decoder.token_bytes(spelling).decode("utf-8", "replace")


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
    except (OSError, ValueError) as error:
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
