"""One request in the double's engine thread: what each step gives back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tests.helpers.mlc_double.grammar import grammar_of
from tests.helpers.mlc_double.machine import Floats, PairMachine, Sampler, logprob
from tests.helpers.mlc_double.protocol import CompletionLogProbs, CompletionRequest, CompletionUsage, FinishReason
from tests.helpers.mlc_double.text import StopHandler


@dataclass(frozen=True)
class Delta:
    """What a step gives back: tokens, or the counts at the very end."""

    tokens: Sequence[int] = ()
    finish_reason: FinishReason | None = None
    logprobs: CompletionLogProbs | None = None
    usage: CompletionUsage | None = None


class RunningRequest:
    """A request that is being computed.

    Attributes:
        tokens: the prompt and what was generated.
        finished: nothing more will come.
    """

    def __init__(self, request: CompletionRequest, tokenizer: Tokenizer, stop_tokens: Sequence[int]) -> None:
        self.request = request
        self.tokens = list(request.prompt)
        self.finished = False
        self._tokenizer = tokenizer
        self._stop_tokens = stop_tokens
        self._sampler = Sampler(request)
        self._grammar = grammar_of(request.response_format, tokenizer, stop_tokens)
        self._handler = StopHandler(request.stop, tokenizer)
        self._started = time.perf_counter()
        self._first = 0.0

    @property
    def generated(self) -> int:
        """Tokens of the reply so far."""
        return len(self.tokens) - len(self.request.prompt)

    def step(self, machine: PairMachine, longest: int) -> Delta:
        """Generate a token."""
        token, probabilities = self._sampler.next(machine.logits(self.tokens), self._grammar)
        self._first = self._first or time.perf_counter()
        self.tokens.append(token)
        released = self._handler.put(token)
        reason: FinishReason | None = "stop" if self._handler.stopped else None
        ends = [place for place, each in enumerate(released) if each in self._stop_tokens]
        if ends:
            released, reason = released[: ends[0]], "stop"
        elif reason is None and (self.generated == self.request.max_tokens or len(self.tokens) >= longest):
            released, reason = [*released, *self._handler.finish()], "length"
        self.finished = reason is not None
        return Delta(released, reason, self._logprobs(token, probabilities))

    def usage(self, cached: int) -> Delta:
        """The counts that the engine gives at the end of a request."""
        prompt, now = len(self.request.prompt), time.perf_counter()
        extra: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": self.generated,
            "prefill_tokens": prompt - cached,
            "decode_tokens": self.generated - 1,
            "ttft_s": self._first - self._started,
            "end_to_end_latency_s": now - self._started,
        }
        return Delta(usage=CompletionUsage(prompt, self.generated, prompt + self.generated, extra))

    def _logprobs(self, token: int, probabilities: Floats) -> CompletionLogProbs | None:
        if self.request.logprobs is None:
            return None
        best = np.argsort(-probabilities, kind="stable")[: self.request.logprobs]
        top = {self._visible(int(each)): logprob(probabilities[each]) for each in best}
        return CompletionLogProbs([self._visible(token)], [logprob(probabilities[token])], [top])

    def _visible(self, token: int) -> str:
        text = self._tokenizer.decode([token], skip_special_tokens=False)
        return "".join(character for character in text if "!" <= character <= "~")
