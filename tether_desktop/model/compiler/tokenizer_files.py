"""``tokenizer.json`` and ``tokenizer_config.json`` from the vocabulary and merges of a GGUF file."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile

_CONTROL, _USER_DEFINED = 3, 4
_END_TOKENS = ("<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>")


class GgufTokenizer:
    """The tokenizer of a GGUF file: byte-level BPE.

    Attributes:
        tokens: the text of each token id.
    """

    def __init__(self, file: GgufFile) -> None:
        """Read vocabulary and merges.

        Raises:
            ModelBroken: they are missing, contradictory or of a kind we do not know.
        """
        self._file = file
        self.tokens: list[str] = file.require("tokenizer.ggml.tokens", list)
        self._types: list[int] = file.get("tokenizer.ggml.token_type", [1] * len(self.tokens))
        if len(self._types) != len(self.tokens) or len(set(self.tokens)) != len(self.tokens):
            raise self._refuse("its vocabulary is inconsistent.")
        kind = (file.require("tokenizer.ggml.model", str), file.get("tokenizer.ggml.pre", "default"))
        if kind != ("gpt2", "smollm"):
            raise self._refuse(f"its tokenizer is of the kind {'/'.join(kind)}; only gpt2/smollm can be packed.")

    def tokenizer_json(self) -> str:
        """Content of ``tokenizer.json``."""
        tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(self.tokens)}, merges=self._merges()))
        digits = pre_tokenizers.Digits(individual_digits=True)
        words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in self._of(_CONTROL)])
        tokenizer.add_tokens([AddedToken(text, normalized=False) for text in self._of(_USER_DEFINED)])
        return str(tokenizer.to_str(pretty=False))

    def config(self) -> dict[str, Any]:
        """Content of ``tokenizer_config.json``."""
        names = ("bos", "eos", "padding", "unknown")
        ids = {name: self._special_id(name) for name in names}
        tokens = {name: None if number is None else self.tokens[number] for name, number in ids.items()}
        return {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": self._file.get("tokenizer.ggml.add_bos_token", False),
            "add_prefix_space": self._file.get("tokenizer.ggml.add_space_prefix", False),
            "clean_up_tokenization_spaces": False,
            "bos_token": tokens["bos"],
            "eos_token": tokens["eos"],
            "pad_token": tokens["padding"],
            "unk_token": tokens["unknown"],
            "chat_template": self._file.require("tokenizer.chat_template", str),
        }

    def bos_token_id(self) -> int | None:
        """The id that begins a text, if the model has one."""
        return self._special_id("bos")

    def eos_token_ids(self) -> list[int]:
        """Ids that end a reply: the one the file names, and control tokens known to mean the same."""
        named = self._special_id("eos")
        control = set(self._of(_CONTROL))
        known = [self.tokens.index(text) for text in _END_TOKENS if text in control]
        ids = ([] if named is None else [named]) + known
        if not ids:
            raise self._refuse("it names no token that ends a reply.")
        return list(dict.fromkeys(ids))

    def _merges(self) -> list[tuple[str, str]]:
        vocabulary = set(self.tokens)
        merges: list[tuple[str, str]] = []
        for line in self._file.require("tokenizer.ggml.merges", list):
            left, _, right = str(line).partition(" ")
            if {left, right, left + right} - vocabulary:
                raise self._refuse(f"its merge {line!r} is not of its vocabulary.")
            merges.append((left, right))
        return merges

    def _of(self, kind: int) -> list[str]:
        return [text for text, type_ in zip(self.tokens, self._types, strict=True) if type_ == kind]

    def _special_id(self, name: str) -> int | None:
        key = f"tokenizer.ggml.{name}_token_id"
        if key not in self._file.fields:
            return None
        number = self._file.require(key, int)
        if not 0 <= number < len(self.tokens):
            raise self._refuse(f"its {name} token {number} is not of its vocabulary.")
        return number

    def _refuse(self, reason: str) -> ModelBroken:
        return ModelBroken("The model cannot be packed", f"{self._file.path.name}: {reason}", "Choose another model.")
