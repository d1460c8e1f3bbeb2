"""A random decoder that can be talked to: with a tokenizer, so that the whole engine runs without any conversion."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.helpers.decoder_shapes import SMALL
from tests.helpers.random_decoder import RandomDecoder, make_random_decoder
from tether_desktop.model.cpu import supported_isas

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TEXT = (
    "The quick brown fox jumps over the lazy dog. Name three colours: red, green and blue. 1 2 3 4 5 6 7 8 9 0.\n"
    "There were there then these three others, and more words. user assistant system You are a helpful assistant.\n"
)


def make_chat_model(parent: Path) -> RandomDecoder:
    """Write the model for the best instruction set of this processor; it ends replies with ``<|im_end|>``."""
    model = make_random_decoder(parent, SMALL, supported_isas()[0])
    chat_tokenizer().save(str(model.folder / "tokenizer.json"))
    config = model.folder / "mlc-chat-config.json"
    fields = json.loads(config.read_text(encoding="utf-8")) | {"eos_token_id": SPECIAL_TOKENS.index("<|im_end|>")}
    config.write_text(json.dumps(fields), encoding="utf-8")
    return model


def chat_tokenizer() -> Tokenizer:
    """Byte-level BPE with as many tokens as the decoder has rows, the last of them used by no text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SMALL.vocab,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL_TOKENS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT], trainer)
    tokenizer.add_tokens([f"<unused {number}>" for number in range(tokenizer.get_vocab_size(), SMALL.vocab)])
    return tokenizer
