"""The real starter model: what it computes is right, and a conversation with it works from end to end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.reference_decoder import ReferenceDecoder
from tests.helpers.starter import StarterModel
from tether_desktop.app import Tether
from tether_desktop.events import Done, Event, HiddenThought, Token
from tether_desktop.model.compiler.build import compile_library
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.decoder_shape import shape_of
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import PromptPiece, SamplingParams
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.runtime import Runtime
from tether_desktop.model.tvm.tokenizer import ModelTokenizer
from tether_desktop.model.tvm.weights import open_weights
from tether_desktop.settings import load_settings

PASSAGE = """\
The lighthouse stood at the end of a long spit of gravel, and for most of the year nobody came there but the
keeper and the birds. In the mornings he trimmed the lamp, wrote down the weather in a heavy book, and walked
to the village for bread. The village had one street, one shop and a school with eleven children. When a ship
passed at night he could tell from the sound of its engine how large it was and whether it carried a full load.
"The sea is not cruel," he told the children when they visited, "but it does not know that you are there."
Some of them laughed. The smallest, a girl of six, asked him whether the light ever got tired. He thought about
it for a while. "No," he said at last, "but I do. That is why there are two of us: the light and the keeper."
"""


@dataclass(frozen=True)
class Reference:
    """The passage as the same weights in floats see it.

    Attributes:
        tokens: of the passage.
        logits: float32[tokens, vocab].
    """

    tokens: list[int]
    logits: NDArray[np.float32]


@pytest.fixture(scope="module")
def reference(starter_model: StarterModel) -> Reference:
    tokens = ModelTokenizer(starter_model.path).encode((PromptPiece(PASSAGE),))
    shape = shape_of(json.loads((starter_model.path / "mlc-chat-config.json").read_text()))
    return Reference(tokens, ReferenceDecoder(shape, open_weights(starter_model.path)).logits(tokens))


def perplexity(logits: NDArray[np.float32], tokens: Sequence[int]) -> float:
    scores = logits[:-1].astype(np.float64)
    scores -= scores.max(-1, keepdims=True)
    chosen = scores[np.arange(len(scores)), tokens[1:]] - np.log(np.exp(scores).sum(-1))
    return float(np.exp(-chosen.mean()))


@pytest.mark.parametrize("isa", supported_isas())
def test_the_engine_predicts_what_the_float_model_does(
    starter_model: StarterModel, reference: Reference, isa: str, tmp_path: Path
) -> None:
    library = tmp_path / "library.so"
    compile_library(starter_model.path, isa, library, lambda _: None)
    decoder = Decoder(Runtime(2), starter_model.path, library, 512)
    logits, cache = [], decoder.new_cache()
    for position, token in enumerate(reference.tokens):
        decoder.decode(cache, token, position)
        logits.append(decoder.logits.copy())
    actual = np.stack(logits)
    assert len(reference.tokens) > 150
    assert (actual.argmax(-1) == reference.logits.argmax(-1)).mean() >= 0.95
    ratio = perplexity(actual, reference.tokens) / perplexity(reference.logits, reference.tokens)
    assert ratio == pytest.approx(1, abs=0.03)


def test_reading_a_prompt_at_once_predicts_the_same(starter_model: StarterModel, reference: Reference) -> None:
    library = Catalog([starter_model.root]).get(starter_model.name).library
    assert library is not None
    decoder = Decoder(Runtime(2), starter_model.path, library, 512)
    for end in (1, 16, 47, 128, len(reference.tokens)):
        for _ in decoder.prefill(decoder.new_cache(), reference.tokens[:end], 0):
            pass
        best, expected = decoder.logits, reference.logits[end - 1]
        assert expected.max() - expected[best.argmax()] < 0.5


async def test_a_conversation_is_streamed_stored_and_continued_from_what_was_read(
    starter_model: StarterModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_DIST_PATH", str(starter_model.root))
    greedy = SamplingParams(temperature=0, max_tokens=60)
    async with Tether(load_settings()) as tether:
        session = await tether.sessions.create()
        first = await ask(tether, session.id, "Name three colours.", greedy)
        second = await ask(tether, session.id, "Which of them is the colour of the sky?", greedy)
        history = await tether.sessions.history(session.id)
    assert [record.message.text for record in history if record.message.role == "assistant"] == [
        shown(first),
        shown(second),
    ]
    usage = [events[-1].usage for events in (first, second) if isinstance(events[-1], Done)]
    assert usage[0].cached_tokens == 0
    # Everything but the reply's last token, which nothing followed, and what the second question adds.
    assert usage[1].cached_tokens >= usage[0].prompt_tokens + usage[0].completion_tokens - 1
    assert history[0].message.text == "Name three colours."


async def ask(tether: Tether, session_id: str, question: str, params: SamplingParams) -> list[Event]:
    turn = await tether.sessions.send(session_id, question, params=params)
    return [event async for event in turn.events()]


def shown(events: Sequence[Event]) -> str:
    assert not any(isinstance(event, HiddenThought) for event in events)
    return "".join(event.content for event in events if isinstance(event, Token))
