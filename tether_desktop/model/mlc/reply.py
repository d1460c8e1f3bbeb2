"""One reply of MLC-LLM's engine: our parameters as its options, its responses as our chunks.

Stop texts are looked for here: the engine itself drops the whole token in which one begins, with the text before it.
How likely tokens were, it tells after bias, penalties and temperature, and for completed characters only; and of
the tokens' texts it leaves out all that is not visible ASCII.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tether_desktop.errors import EngineError, PromptTooLong, TetherError
from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import Constraint, GenerationChunk, GenerationRequest, PromptPiece, TokenLogprob
from tether_desktop.model.mlc.schema import usable_schema
from tether_desktop.model.tvm.stop_matcher import StopMatcher
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

_MOST_LOGPROBS = 5
_LARGEST_BIAS = 100.0
_LARGEST_PENALTY = 2.0
_SEEDS = 2**31
_END: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


def completion_options(request: GenerationRequest, room: int, vocab_size: int) -> dict[str, Any]:
    """Our parameters as those of a completion; it knows no top-k, min-p and repetition penalty.

    Args:
        request: how to choose tokens; what lies outside the engine's ranges is taken as their ends.
        room: tokens that fit after the prompt.
        vocab_size: the engine writes outside its memory for the bias of a token that does not exist.

    Raises:
        ConstraintRefused: the reply shall keep to a schema that the engine cannot be given.
    """
    params = request.params
    bias = {token: _within(value, _LARGEST_BIAS) for token, value in params.logit_bias if 0 <= token < vocab_size}
    return {
        "temperature": params.temperature,
        "top_p": params.top_p,
        "presence_penalty": _within(params.presence_penalty, _LARGEST_PENALTY),
        "frequency_penalty": _within(params.frequency_penalty, _LARGEST_PENALTY),
        "seed": None if params.seed is None else params.seed % _SEEDS,
        "max_tokens": room if params.max_tokens is None else min(room, params.max_tokens),
        "logit_bias": bias or None,
        "logprobs": None if params.logprobs is None else min(params.logprobs, _MOST_LOGPROBS),
        "response_format": _response_format(request.constraint),
        "stream_options": {"include_usage": True},
    }


def hidden_tokens(tokenizer: ModelTokenizer, ends: Sequence[str], markers: Sequence[str]) -> re.Pattern[str] | None:
    """Special tokens as text, which the engine writes out; but for those that end a reply and those that are wanted."""
    texts = {tokenizer.token_text(token) for token in tokenizer.special_ids} - {*ends, *markers, ""}
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True)))) if texts else None


class MlcReply:
    """A reply as its responses come."""

    def __init__(
        self, request: GenerationRequest, prompt_tokens: int, tokenizer: ModelTokenizer, ends: Sequence[str] = ()
    ) -> None:
        """Prepare for the first response.

        Args:
            request: how the reply was asked for.
            prompt_tokens: of the whole prompt.
            tokenizer: the model's.
            ends: texts that end the reply besides those that were asked for.
        """
        self._started = time.perf_counter()
        self._first_at = self._last_at = 0.0
        self._tokenizer = tokenizer
        self._stop = StopMatcher((*request.params.stop, *ends))
        self._hidden = hidden_tokens(tokenizer, (*request.params.stop, *ends), request.markers)
        self._finish_reason: FinishReason = "stop"
        self._said = ""
        self._responses = 0
        self._prompt_tokens = prompt_tokens
        self._counted: Any = None

    @property
    def stopped(self) -> bool:
        """Whether a stop text was found, so that nothing more is wanted of the engine."""
        return self._stop.stopped

    def take(self, response: Any) -> list[GenerationChunk]:
        """The chunks of a response: one with text, or none.

        Raises:
            EngineError: the engine ended the reply because of a fault.
        """
        if response.usage is not None:
            self._counted = response.usage
        return [self._chunk(choice) for choice in response.choices]

    def last_chunk(self) -> GenerationChunk:
        """How it ended, what it took, and text that was held back."""
        reason: FinishReason = "stop" if self.stopped else self._finish_reason
        return GenerationChunk(self._stop.finish(), None, reason, self._usage(), self._timings())

    def _chunk(self, choice: Any) -> GenerationChunk:
        if choice.finish_reason is not None:
            if choice.finish_reason not in _END:
                raise failed(RuntimeError(f"the reply ended with {choice.finish_reason!r}"))
            self._finish_reason = _END[choice.finish_reason]
        self._last_at = time.perf_counter()
        self._first_at = self._first_at or self._last_at
        self._responses += 1
        self._said += choice.text
        shown = self._hidden.sub("", choice.text) if self._hidden else choice.text
        return GenerationChunk(self._stop.add(shown), logprobs=_logprobs(choice))

    def _usage(self) -> Usage:
        if self._counted is None:
            # It counts at the end of a reply alone, which one that we have stopped does not come to.
            tokens = len(self._tokenizer.encode((PromptPiece(self._said, literal=True),)))
            return Usage(self._prompt_tokens, 0, max(tokens, self._responses))
        read = _extra(self._counted).get("prefill_tokens")
        cached = self._prompt_tokens - read if isinstance(read, int) else 0
        return Usage(self._prompt_tokens, max(cached, 0), self._counted.completion_tokens)

    def _timings(self) -> Timings:
        first = (self._first_at or time.perf_counter()) - self._started
        read = _extra(self._counted).get("ttft_s")
        prefill = min(read, first) if isinstance(read, float) else first
        return Timings(prefill_s=prefill, first_token_s=first, decode_s=self._last_at - self._first_at)


def refused(error: ValueError) -> TetherError:
    """The error of a request that the engine does not take, in our words."""
    if type(error).__name__ == "BadRequestError":  # the only thing it says so of our requests is their length
        return PromptTooLong(
            "The conversation is too long", f"{error}".rstrip(".") + ".", "Shorten the message, or the conversation."
        )
    return EngineError("The engine refused the request", f"{_reason(error)}.", "Change the settings of the reply.")


def failed(error: BaseException) -> EngineError:
    """The error of an engine that failed, in our words."""
    return EngineError("MLC-LLM failed", f"{_reason(error)}.", "Send the message again; the log has the details.")


def _logprobs(choice: Any) -> tuple[TokenLogprob, ...]:
    """How likely the tokens of a response were, without the one that ended the reply."""
    given = choice.logprobs
    if given is None or (choice.finish_reason == "stop" and not choice.text):
        return ()
    triples = zip(given.tokens, given.token_logprobs, given.top_logprobs, strict=True)
    whole = len(given.tokens) == 1
    return tuple(_logprob(choice.text if whole else text, text, logprob, best) for text, logprob, best in triples)


def _logprob(text: str, spelled: str, logprob: float, best: Mapping[str, float]) -> TokenLogprob:
    """A token, with the text that it really has in place of what the engine left of it."""
    ordered = sorted(best.items(), key=lambda item: -item[1])
    return TokenLogprob(text, logprob, tuple((text if token == spelled else token, each) for token, each in ordered))


def _response_format(constraint: Constraint | None) -> dict[str, str] | None:
    return None if constraint is None else {"type": "json_object", "schema": usable_schema(constraint.text)}


def _within(value: float, limit: float) -> float:
    return max(-limit, min(value, limit))


def _extra(counted: Any) -> Mapping[str, Any]:
    return getattr(counted, "extra", None) or {}


def _reason(error: BaseException) -> str:
    """What an error says first; of pydantic's, what was wrong and not where its manual is."""
    details = getattr(error, "errors", None)
    if callable(details):
        return "; ".join(str(item["msg"]).removeprefix("Value error, ").rstrip(".") for item in details())
    first_line = str(error).strip().splitlines()[:1]
    return first_line[0].rstrip(".") if first_line else type(error).__name__
