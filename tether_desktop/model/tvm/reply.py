"""One reply of our engine, from the prompt to the last token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from tether_desktop.messages import FinishReason, Timings, Usage
from tether_desktop.model.engine import GenerationChunk, GenerationRequest, TokenLogprob
from tether_desktop.model.refusals import check_prompt
from tether_desktop.model.tvm.constraint import ReplyConstraint
from tether_desktop.model.tvm.decoder import Decoder
from tether_desktop.model.tvm.logprobs import token_logprob
from tether_desktop.model.tvm.sampler import Sampler
from tether_desktop.model.tvm.states import KvStates
from tether_desktop.model.tvm.stop_matcher import StopMatcher
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

FEWEST_AT_ONCE = 3
"""So many tokens are read sooner in one call of the prefill than one by one."""

MOST_AT_ONCE = 64
"""Of tokens that have to come, so many are shown and read before the loop breathes."""


class Reply:
    """Generates one reply; :meth:`read_prompt` first, then :meth:`write`.

    The tokens of its KV state are right at every step, so that the reply can be left at any of them.
    """

    def __init__(
        self,
        request: GenerationRequest,
        decoder: Decoder,
        tokenizer: ModelTokenizer,
        states: KvStates,
        constraint: ReplyConstraint | None = None,
    ) -> None:
        """Line the prompt up with what is computed already, and take the session's state.

        Args:
            request: what to answer, and how.
            decoder: computes.
            tokenizer: the model's.
            states: what is computed already.
            constraint: the request's, ready to be followed.

        Raises:
            PromptTooLong: it leaves no room for a reply; every state stays as it was.
            EngineError: there is no prompt.
            MemoryError: there is no memory for another KV cache.
        """
        self._started = time.perf_counter()
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._states = states
        markers = tokenizer.marker_ids(request.markers)
        spelling = partial(tokenizer.spelling, markers=markers)
        match = states.match(request.session_id, tokenizer.encode(request.prompt), spelling)
        prompt, reused = match.tokens, match.reused
        check_prompt(len(prompt), decoder.context_window)
        self._state = states.take(request.session_id, match)
        self._new = prompt[reused:]
        self._cached_tokens = reused
        self._prompt_tokens = len(prompt)
        room = decoder.context_window - len(prompt)
        self._limit = room if request.params.max_tokens is None else min(room, request.params.max_tokens)
        self._sampler = Sampler(request.params, tokenizer.vocab_size, prompt)
        self._constraint = constraint
        self._exact_after = request.constraint.exact_after if request.constraint else ""
        self._tail = ""
        self._detokenizer = tokenizer.detokenizer(markers)
        self._stop = StopMatcher(request.params.stop)
        self._logprobs = request.params.logprobs
        self._generated = 0
        self._read_at = self._first_at = self._last_at = self._started
        self._finish_reason: FinishReason | None = None

    def read_prompt(self) -> Iterator[float]:
        """Read what is not cached; yields the fraction that is read."""
        for done in self._read_at_once(self._new):
            yield done / len(self._new)
        self._read_at = self._first_at = self._last_at = time.perf_counter()

    def write(self) -> Iterator[GenerationChunk]:
        """Choose tokens until the reply ends; yields one chunk per token, its text possibly empty.

        Raises:
            ConstraintRefused: what the reply is held to turns out to be too much.
        """
        while self._goes_on():
            tokens = self._next_tokens()
            for token in tokens:
                if self._take(token):
                    # Told before the next token is computed, for the logits are overwritten then.
                    logprobs = self._logprobs_of(token)
                    yield GenerationChunk(self._shown(self._detokenizer.add(token)), logprobs=logprobs)
                if self._finish_reason is not None:
                    break
            if self._goes_on():
                self._read(tokens)
        yield GenerationChunk(self._shown(self._detokenizer.finish()) + self._stop.finish())

    def last_chunk(self) -> GenerationChunk:
        """How the reply ended, and what it took."""
        usage = Usage(self._prompt_tokens, self._cached_tokens, self._generated)
        timings = Timings(
            prefill_s=self._read_at - self._started,
            first_token_s=self._first_at - self._started,
            decode_s=self._last_at - self._first_at,
        )
        return GenerationChunk(finish_reason=self._finish_reason or "length", usage=usage, timings=timings)

    def _goes_on(self) -> bool:
        return self._finish_reason is None and self._generated < self._limit

    def _next_tokens(self) -> list[int]:
        """A token that is chosen, or all those that have to come."""
        if self._constraint is None:
            return [self._sampler.next(self._decoder.logits)]
        forced = self._constraint.forced()
        if not forced:
            return [self._sampler.next(self._decoder.logits, self._constraint.allowed())]
        # Probabilities are told of each token, which takes reading those before it one by one.
        most = MOST_AT_ONCE if self._logprobs is None else 1
        forced = forced[: min(most, self._limit - self._generated)]
        for token in forced:
            self._sampler.remember(token)
        return forced

    def _take(self, token: int) -> bool:
        """Count a token of the reply; whether it is anything else than the end."""
        self._last_at = time.perf_counter()
        if self._generated == 0:
            self._first_at = self._last_at
        self._generated += 1
        if token in self._tokenizer.eos_ids:
            self._finish_reason = "stop"
            return False
        if self._constraint is not None:
            self._constraint.take(token)
            if self._constraint.finished:
                self._finish_reason = "stop"
        return True

    def _shown(self, text: str) -> str:
        """What of the text is surely no stop string, which ends the reply."""
        if self._exact_after:
            self._watch(text)
        shown = self._stop.add(text)
        if self._stop.stopped:
            self._finish_reason = "stop"
        return shown

    def _watch(self, text: str) -> None:
        """Choose exactly from where the text for that was written."""
        self._tail += text
        if self._exact_after in self._tail:
            self._exact_after = ""
            self._sampler.be_exact()
        self._tail = self._tail[1 - len(self._exact_after) :] if len(self._exact_after) > 1 else ""

    def _read(self, new: Sequence[int]) -> None:
        tokens = self._state.tokens
        self._states.reserve(self._state, len(tokens) + len(new))
        if len(new) >= FEWEST_AT_ONCE:
            for _ in self._read_at_once(new):
                pass
            return
        for token in new:
            self._decoder.decode(self._state.cache, token, len(tokens))
            tokens.append(token)

    def _read_at_once(self, new: Sequence[int]) -> Iterator[int]:
        """Read tokens by the prefill; yields how many of them are read."""
        tokens = self._state.tokens
        start = len(tokens)
        for done in self._decoder.prefill(self._state.cache, new, start):
            tokens += new[len(tokens) - start : done]
            yield done

    def _logprobs_of(self, token: int) -> tuple[TokenLogprob, ...]:
        if self._logprobs is None:
            return ()
        logits = self._decoder.logits[: self._tokenizer.vocab_size]
        return (token_logprob(logits, token, self._logprobs, self._tokenizer.token_text),)
