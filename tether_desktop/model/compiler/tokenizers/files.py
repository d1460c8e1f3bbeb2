"""What every source's tokenizer becomes: files by name, the ids a reply begins and ends with, a chat format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tether_desktop.model.compiler.tokenizers.chat_format import (
    PLAIN_NOTE,
    chatml_conversation,
    family_note,
    family_template,
    plain_conversation,
)

_END_TOKENS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "<|end_of_turn|>"),
    *("<end_of_turn>", "<eos>", "</s>", "<｜end▁of▁sentence｜>", "<end_of_utterance>", "<EOT>", "[EOT]", "[EOS]"),
)
"""Special tokens that end a reply in every vocabulary that has them."""


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """A tokenizer and its chat format, ready to be written.

    Attributes:
        contents: of ``tokenizer.json``, ``tokenizer_config.json`` and whatever else belongs to them, by name.
        bos_token_id: the token that begins a text, if there is one.
        eos_token_ids: tokens that end a reply.
        conv_template: MLC's description of the chat format; empty when there is none.
        notes: what the model card should say of it, as whole sentences.
    """

    contents: dict[str, bytes] = field(repr=False)
    bos_token_id: int | None
    eos_token_ids: list[int]
    conv_template: dict[str, Any]
    notes: tuple[str, ...] = ()

    def files(self) -> dict[str, bytes]:
        """The contents."""
        return dict(self.contents)


def is_unmistakable(token: str) -> bool:
    """Whether a token ends a reply whatever its source says of its kind."""
    return token in _END_TOKENS and token.startswith(("<|", "<｜", "<end_of_"))


def end_token_ids(named: Iterable[int | None], special: Mapping[str, int]) -> list[int]:
    """Ids that end a reply, without repetition: those that are named so, and special tokens known to."""
    known = (special.get(token) for token in _END_TOKENS)
    return list(dict.fromkeys(number for number in (*named, *known) if number is not None))


def tokenizer_files(
    contents: dict[str, bytes],
    config: dict[str, Any],
    *,
    added: Mapping[str, int],
    bos_token_id: int | None,
    eos_token_ids: list[int],
    conv_template: dict[str, Any] | None = None,
    marks_spaces: bool,
) -> TokenizerFiles:
    """Complete a tokenizer with a chat format.

    Args:
        contents: the files besides ``tokenizer_config.json``.
        config: content of that file; its ``chat_template`` may be missing.
        added: the tokens that are recognised in text as a whole, with their ids.
        bos_token_id: the token that begins a text, if there is one.
        eos_token_ids: tokens that end a reply.
        conv_template: the source's own, if it has one.
        marks_spaces: whether the tokenizer is a SentencePiece one.
    """
    notes: tuple[str, ...] = ()
    conversation = conv_template or {}
    template = config.get("chat_template")
    if not template and not conversation:
        if family := family_template(added, marks_spaces=marks_spaces):
            name, template = family
            config = config | {"chat_template": template}
            notes = (family_note(name),)
        else:
            conversation = plain_conversation(bos_token_id, eos_token_ids)
            notes = (PLAIN_NOTE,)
    if isinstance(template, str) and not conversation:
        conversation = chatml_conversation(template, eos_token_ids)
    text = json.dumps(config, ensure_ascii=False, indent=2)
    return TokenizerFiles(
        contents | {"tokenizer_config.json": text.encode()}, bos_token_id, eos_token_ids, conversation, notes
    )
