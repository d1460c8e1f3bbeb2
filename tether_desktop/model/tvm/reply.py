"""One reply of our engine, from the prompt to the last token."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import GenerationChunk, GenerationRequest, TokenLogprob
from tether_desktop.model.refusals import check_prompt
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.logprobs import token_logprob
from tether_desktop.model.tvm.sampler import Sampler
from tether_desktop.model.tvm.states import KvStates
from tether_desktop.model.tvm.stop_matcher import StopMatcher
from tether_desktop.model.tvm.tokenizer import ModelTokenizer


class Reply:
    """Generates one reply; :meth:`read_prompt` first, then :meth:`write`.

    The tokens of its KV state are right at every step, so that the reply can be left at any of them.
    """

    def __init__(
        self, request: GenerationRequest, decoder: Decoder, tokenizer: ModelTokenizer, states: KvStates
    ) -> None:
        """Line the prompt up with what is computed already, and take the session's state.

        Raises:
            PromptTooLong: it leaves no room for a reply; every state stays as it was.
            EngineError: there is no prompt.
            MemoryError: there is no memory for another KV cache.
        """
        self._started = time.perf_counter()
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._states = states
        match = states.match(request.session_id, tokenizer.encode(request.prompt), tokenizer.spelling)
        prompt, reused = match.tokens, match.reused
        check_prompt(len(prompt), decoder.context_window)
        self._state = states.take(request.session_id, match)
        self._new = prompt[reused:]
        self._cached_tokens = reused
        self._prompt_tokens = len(prompt)
        room = decoder.context_window - len(prompt)
        self._limit = room if request.params.max_tokens is None else min(room, request.params.max_tokens)
        self._sampler = Sampler(request.params, tokenizer.vocab_size, prompt)
        self._detokenizer = tokenizer.detokenizer()
        self._stop = StopMatcher(request.params.stop)
        self._logprobs = request.params.logprobs
        self._generated = 0
        self._read_at = self._first_at = self._last_at = self._started
        self._finish_reason: FinishReason = "length"

    def read_prompt(self) -> Iterator[float]:
        """Read what is not cached; yields the fraction that is read."""
        tokens = self._state.tokens
        start = len(tokens)
        for done in self._decoder.prefill(self._state.cache, self._new, start):
            tokens += self._new[len(tokens) - start : done]
            yield done / len(self._new)
        self._read_at = self._first_at = self._last_at = time.perf_counter()

    def write(self) -> Iterator[GenerationChunk]:
        """Choose tokens until the reply ends; yields one chunk per token, its text possibly empty."""
        while self._generated < self._limit:
            token = self._choose()
            if token in self._tokenizer.eos_ids:
                self._finish_reason = "stop"
                break
            # Told before the next token is computed, for the logits are overwritten then.
            logprobs = self._logprobs_of(token)
            yield GenerationChunk(self._stop.add(self._detokenizer.add(token)), logprobs=logprobs)
            if self._stop.stopped:
                self._finish_reason = "stop"
                return
            if self._generated < self._limit:
                self._read(token)
        yield GenerationChunk(self._stop.add(self._detokenizer.finish()) + self._stop.finish())

    def last_chunk(self) -> GenerationChunk:
        """How the reply ended, and what it took."""
        usage = Usage(self._prompt_tokens, self._cached_tokens, self._generated)
        timings = Timings(
            prefill_s=self._read_at - self._started,
            first_token_s=self._first_at - self._started,
            decode_s=self._last_at - self._first_at,
        )
        return GenerationChunk(finish_reason=self._finish_reason, usage=usage, timings=timings)

    def _read(self, token: int) -> None:
        tokens = self._state.tokens
        self._states.reserve(self._state, len(tokens) + 1)
        self._decoder.decode(self._state.cache, token, len(tokens))
        tokens.append(token)

    def _logprobs_of(self, token: int) -> tuple[TokenLogprob, ...]:
        if self._logprobs is None:
            return ()
        logits = self._decoder.logits[: self._tokenizer.vocab_size]
        return (token_logprob(logits, token, self._logprobs, self._tokenizer.token_text),)

    def _choose(self) -> int:
        token = self._sampler.next(self._decoder.logits)
        self._last_at = time.perf_counter()
        if self._generated == 0:
            self._first_at = self._last_at
        self._generated += 1
        return token
