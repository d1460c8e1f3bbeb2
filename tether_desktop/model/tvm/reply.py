"""One reply of our engine, from the prompt to the last token."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tether_desktop.errors import PromptTooLong
from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import GenerationChunk, GenerationRequest
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.reuse import reuse_prefix
from tether_desktop.model.tvm.sampler import Sampler
from tether_desktop.model.tvm.stop_matcher import StopMatcher
from tether_desktop.model.tvm.tokenizer import ModelTokenizer


class Reply:
    """Generates one reply; :meth:`read_prompt` first, then :meth:`write`.

    Attributes:
        tokens: what the KV cache holds, from the first position on; right at every step, so that the
            reply can be left at any of them.
    """

    def __init__(
        self, request: GenerationRequest, decoder: Decoder, tokenizer: ModelTokenizer, cached: list[int]
    ) -> None:
        """Line the prompt up with what is cached.

        Raises:
            PromptTooLong: it leaves no room for a reply.
        """
        self._started = time.perf_counter()
        self._decoder = decoder
        self._eos = tokenizer.eos_ids
        prompt, reused = reuse_prefix(cached, tokenizer.encode(request.prompt), tokenizer.spelling)
        _check_length(len(prompt), decoder.context_window)
        # The logits that follow the last token are needed: it is read again when all of them are cached.
        reused = max(0, min(reused, len(prompt) - 1))
        self.tokens = prompt[:reused]
        self._new = prompt[reused:]
        self._cached_tokens = reused
        self._prompt_tokens = len(prompt)
        room = decoder.context_window - len(prompt)
        self._limit = room if request.params.max_tokens is None else min(room, request.params.max_tokens)
        self._sampler = Sampler(request.params, tokenizer.vocab_size, prompt)
        self._detokenizer = tokenizer.detokenizer()
        self._stop = StopMatcher(request.params.stop)
        self._generated = 0
        self._read_at = self._first_at = self._last_at = self._started
        self._finish_reason: FinishReason = "length"

    def read_prompt(self) -> Iterator[float]:
        """Read what is not cached; yields the fraction that is read."""
        start = len(self.tokens)
        for done in self._decoder.prefill(self._new, start):
            self.tokens += self._new[len(self.tokens) - start : done]
            yield done / len(self._new)
        self._read_at = self._first_at = self._last_at = time.perf_counter()

    def write(self) -> Iterator[str]:
        """Choose tokens until the reply ends; yields its text, possibly empty, once per token."""
        while self._generated < self._limit:
            token = self._choose()
            if token in self._eos:
                self._finish_reason = "stop"
                break
            yield self._stop.add(self._detokenizer.add(token))
            if self._stop.stopped:
                self._finish_reason = "stop"
                return
            if self._generated < self._limit:
                self._decoder.decode(token, len(self.tokens))
                self.tokens.append(token)
        yield self._stop.add(self._detokenizer.finish()) + self._stop.finish()

    def last_chunk(self) -> GenerationChunk:
        """How the reply ended, and what it took."""
        usage = Usage(self._prompt_tokens, self._cached_tokens, self._generated)
        timings = Timings(
            prefill_s=self._read_at - self._started,
            first_token_s=self._first_at - self._started,
            decode_s=self._last_at - self._first_at,
        )
        return GenerationChunk(finish_reason=self._finish_reason, usage=usage, timings=timings)

    def _choose(self) -> int:
        token = self._sampler.next(self._decoder.logits)
        self._last_at = time.perf_counter()
        if self._generated == 0:
            self._first_at = self._last_at
        self._generated += 1
        return token


def _check_length(tokens: int, window: int) -> None:
    if tokens >= window:
        raise PromptTooLong(
            "The conversation is too long",
            f"The prompt has {tokens:,} tokens; the context window has room for {window:,} with the reply.",
            "Shorten the message, or set a larger context window.",
        )
