"""The KV states of several sessions, kept within a memory budget so that switching chats computes nothing again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tether_desktop.model.tvm.kv_cache import BLOCK, KvCache
from tether_desktop.model.tvm.reuse import reuse_prefix

WORTH_COPYING = BLOCK
"""So many tokens more than its own state has make a session copy another's."""

_STEP = 4 * BLOCK
"""Memory for a growing state is counted in steps of so many positions."""

Spelling = Callable[[int], str | None]


class KvState:
    """The KV state of one session.

    Attributes:
        session: whose it is.
        cache: keys and values.
        tokens: what the cache holds, from the first position on; whoever computes keeps it right at every step.
        reserved: positions whose memory is counted; never fewer than were ever written.
    """

    def __init__(self, session: str, cache: KvCache) -> None:
        self.session = session
        self.cache = cache
        self.tokens: list[int] = []
        self.reserved = 0

    @property
    def bytes_in_use(self) -> int:
        """Memory that it takes, at most."""
        return self.cache.bytes_for(self.reserved)


@dataclass(frozen=True, slots=True)
class Match:
    """How much of a prompt is computed already.

    Attributes:
        tokens: the prompt, with the state's tokens where they spell the same.
        reused: how many of them the state holds.
        state: where; None when nothing is worth taking.
    """

    tokens: list[int]
    reused: int
    state: KvState | None


class KvStates:
    """At most one state per session, the least recently used first to go.

    Equal beginnings are computed once and then copied: that shares the work, not the memory.
    """

    def __init__(self, new_cache: Callable[[], KvCache], budget: int) -> None:
        """Prepare; no memory is taken yet.

        Args:
            new_cache: makes an empty cache.
            budget: bytes that all states together may take; the one in use is kept in any case.
        """
        self._new_cache = new_cache
        self._budget = budget
        self._states: dict[str, KvState] = {}

    @property
    def sessions(self) -> list[str]:
        """Whose states are warm, the least recently used first."""
        return list(self._states)

    @property
    def bytes_in_use(self) -> int:
        """Memory that all states take, at most."""
        return sum(state.bytes_in_use for state in self._states.values())

    def match(self, session: str, prompt: Sequence[int], spelling: Spelling) -> Match:
        """The state that holds most of a prompt: the session's own, or another's that is clearly better.

        Changes nothing. The last token always counts as new, since the logits that follow it are needed.
        """
        own = self._states.get(session)
        best = _match(own, prompt, spelling) if own else Match(list(prompt), 0, None)
        for other in self._states.values():
            if other is not own:
                match = _match(other, prompt, spelling)
                if match.reused >= best.reused + (WORTH_COPYING if best.state is own else 1):
                    best = match
        return best

    def take(self, session: str, match: Match) -> KvState:
        """The session's state, holding what was matched and nothing else, with memory counted for the prompt.

        Raises:
            MemoryError: there is no memory for a cache, even after all others were let go.
        """
        state = self._states.get(session)
        if state is None or match.state is not state:
            state = self._filled(session, state, match)
        del state.tokens[match.reused :]
        self._states[session] = self._states.pop(session)
        self.reserve(state, len(match.tokens))
        return state

    def reserve(self, state: KvState, positions: int) -> None:
        """Count memory for so many positions before they are written; others go where the budget needs it."""
        if positions > state.reserved:
            state.reserved = -(-positions // _STEP) * _STEP
            self._make_room(0, state)

    def _filled(self, session: str, state: KvState | None, match: Match) -> KvState:
        """A state for the session with the matched prefix of another's."""
        source = match.state
        if source is not None and not self._fits_beside(source, len(match.tokens)):
            return self._hand_over(source, session)
        if state is None:
            state = self._new_state(session, source)
        if source is not None:
            self._make_room(state.cache.bytes_for(len(match.tokens)) - state.bytes_in_use, state, source)
            state.tokens.clear()
            state.cache.copy_prefix(source.cache, match.reused)
            state.tokens += match.tokens[: match.reused]
        return state

    def _fits_beside(self, source: KvState, positions: int) -> bool:
        return source.bytes_in_use + source.cache.bytes_for(positions) <= self._budget

    def _hand_over(self, source: KvState, session: str) -> KvState:
        """Give a state to another session, where there is no room for a copy beside it."""
        del self._states[source.session]
        source.session = session
        self._states[session] = source
        return source

    def _new_state(self, session: str, source: KvState | None) -> KvState:
        while True:
            try:
                state = self._states[session] = KvState(session, self._new_cache())
            except (OSError, MemoryError) as error:
                if not self._drop_oldest(source):
                    raise MemoryError("no memory for a KV cache") from error
            else:
                return state

    def _make_room(self, more: int, *kept: KvState) -> None:
        while self.bytes_in_use + more > self._budget and self._drop_oldest(*kept):
            pass

    def _drop_oldest(self, *kept: KvState | None) -> bool:
        """Let go of the least recently used state but those; whether there was one."""
        oldest = next((state for state in self._states.values() if state not in kept), None)
        if oldest is not None:
            del self._states[oldest.session]
        return oldest is not None


def _match(state: KvState, prompt: Sequence[int], spelling: Spelling) -> Match:
    tokens, reused = reuse_prefix(state.tokens, prompt, spelling)
    return Match(tokens, max(0, min(reused, len(tokens) - 1)), state)
