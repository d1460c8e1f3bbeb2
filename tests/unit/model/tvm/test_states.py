"""KV states of several sessions: found again, copied where prompts begin alike, let go when memory runs out."""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.decoder_shapes import SMALL
from tether_desktop.model.tvm.kv_cache import BLOCK, KvCache
from tether_desktop.model.tvm.states import WORTH_COPYING, KvState, KvStates

WINDOW = 512
PLENTY = 1 << 30
SYSTEM = list(range(1000, 1040))


def new_cache() -> KvCache:
    return KvCache(SMALL, WINDOW)


def size_of(positions: int) -> int:
    """Bytes that a state of so many positions is counted with."""
    states = KvStates(new_cache, PLENTY)
    read(states, "s", list(range(positions)))
    return states.bytes_in_use


def read(states: KvStates, session: str, prompt: Sequence[int], *, steps: int = WINDOW) -> tuple[KvState, int]:
    """Compute a prompt, or only so many steps of what is new; the state, and how much of the prompt it had."""
    match = states.match(session, prompt, chr)
    state = states.take(session, match)
    for token in match.tokens[match.reused :][:steps]:
        write(states, state, token)
    return state, match.reused


def write(states: KvStates, state: KvState, token: int) -> None:
    """Stand in for the decoder: what a position holds depends on all tokens up to it."""
    position = len(state.tokens)
    states.reserve(state, position + 1)
    state.cache.keys.array[:, :, position // BLOCK, :, position % BLOCK] = mark([*state.tokens, token])
    state.cache.values.array[:, :, position] = -mark([*state.tokens, token])
    state.tokens.append(token)


def mark(tokens: Sequence[int]) -> np.float16:
    return np.float16(hash(tuple(tokens)) % 2039 + 1)


def assert_holds_its_tokens(state: KvState) -> None:
    for position in range(len(state.tokens)):
        expected = mark(state.tokens[: position + 1])
        assert (state.cache.keys.array[:, :, position // BLOCK, :, position % BLOCK] == expected).all()
        assert (state.cache.values.array[:, :, position] == -expected).all()


def test_a_session_finds_its_own_state_again_after_another_was_used() -> None:
    states = KvStates(new_cache, PLENTY)
    first, reused = read(states, "first", [1, 2, 3])
    assert reused == 0
    read(states, "second", [7, 8, 9])
    again, reused = read(states, "first", [1, 2, 3, 4, 5])
    assert again is first
    assert reused == 3
    assert first.tokens == [1, 2, 3, 4, 5]


def test_another_answer_goes_back_in_the_session_s_own_state() -> None:
    states = KvStates(new_cache, PLENTY)
    read(states, "s", [1, 2, 3, 50, 51, 52])
    state, reused = read(states, "s", [1, 2, 3])
    assert reused == 2, "the last token is computed again, for the logits that follow it"
    assert state.tokens == [1, 2, 3]


def test_a_beginning_that_another_session_has_is_copied_bit_for_bit() -> None:
    states = KvStates(new_cache, PLENTY)
    source, _ = read(states, "first", [*SYSTEM, 1, 2, 3])
    copy, reused = read(states, "second", [*SYSTEM, 4, 5], steps=0)
    assert reused == len(SYSTEM)
    assert copy is not source
    assert copy.tokens == SYSTEM
    blocks = -(-len(SYSTEM) // BLOCK)
    np.testing.assert_array_equal(copy.cache.keys.array[:, :, :blocks], source.cache.keys.array[:, :, :blocks])
    read(states, "second", [*SYSTEM, 4, 5])
    assert_holds_its_tokens(copy)
    assert_holds_its_tokens(source)
    assert states.sessions == ["first", "second"]


def test_the_session_with_the_longest_common_beginning_is_copied() -> None:
    states = KvStates(new_cache, PLENTY)
    read(states, "short", [*SYSTEM[:20], 1])
    read(states, "long", [*SYSTEM, 2])
    read(states, "middle", [*SYSTEM[:30], 3])
    assert read(states, "new", [*SYSTEM, 9])[1] == len(SYSTEM)


def test_a_few_common_tokens_are_not_worth_a_copy() -> None:
    states = KvStates(new_cache, PLENTY)
    common = SYSTEM[: WORTH_COPYING - 1]
    read(states, "first", [*common, 1])
    assert read(states, "second", [*common, 2])[1] == 0


@pytest.mark.parametrize(("more", "from_another"), [(WORTH_COPYING - 1, False), (WORTH_COPYING, True)])
def test_a_session_leaves_its_own_state_only_for_one_that_is_clearly_better(more: int, *, from_another: bool) -> None:
    states = KvStates(new_cache, PLENTY)
    read(states, "other", SYSTEM)
    own, _ = read(states, "own", [*SYSTEM[:10], 1, 2, 3])
    state, reused = read(states, "own", [*SYSTEM[: 10 + more], 5])
    assert state is own
    assert reused == (10 + more if from_another else 10)
    assert_holds_its_tokens(own)


def test_looking_for_a_match_changes_nothing() -> None:
    states = KvStates(new_cache, PLENTY)
    for session in ("first", "second"):
        read(states, session, [*SYSTEM, 1, 2, 3])
    states.match("first", [*SYSTEM, 9], chr)
    states.match("third", [*SYSTEM, 9], chr)
    assert states.sessions == ["first", "second"]
    assert states.match("first", [*SYSTEM, 1, 2, 3, 4], chr).reused == len(SYSTEM) + 3


def test_tokens_that_spell_the_same_are_reused_from_another_session_as_well() -> None:
    spelling = {**{token: chr(token) for token in SYSTEM}, 1: "a", 2: "b", 3: "ab"}
    states = KvStates(new_cache, PLENTY)
    read(states, "first", [*SYSTEM, 1, 2])
    match = states.match("second", [*SYSTEM, 3, 1], spelling.__getitem__)
    assert (match.tokens, match.reused) == ([*SYSTEM, 1, 2, 1], len(SYSTEM) + 2)


def test_the_least_recently_used_session_goes_when_the_budget_is_full() -> None:
    states = KvStates(new_cache, 2 * size_of(60))
    for session in ("first", "second"):
        read(states, session, list(range(len(session), 60)))
    read(states, "first", list(range(5, 60)))
    read(states, "third", list(range(100, 160)))
    assert states.sessions == ["first", "third"]
    assert states.bytes_in_use <= 2 * size_of(60)


def test_the_state_in_use_is_kept_whatever_the_budget_is() -> None:
    states = KvStates(new_cache, 0)
    read(states, "first", list(range(60)))
    assert states.sessions == ["first"]
    read(states, "second", list(range(100, 160)))
    assert states.sessions == ["second"]
    assert read(states, "second", list(range(100, 170)))[1] == 60


def test_a_reply_that_grows_takes_memory_from_the_others_step_by_step() -> None:
    budget = size_of(400) + size_of(20)
    states = KvStates(new_cache, budget)
    read(states, "old", list(range(20)))
    read(states, "older than the reply", list(range(500, 520)))
    state, _ = read(states, "reply", list(range(200, 220)))
    left = []
    for token in range(220, 600):
        write(states, state, token)
        assert states.bytes_in_use <= budget
        left.append(len(states.sessions))
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1]) == (3, 2)
    assert states.sessions == ["older than the reply", "reply"]


def test_memory_for_a_prompt_is_asked_for_before_it_is_read() -> None:
    states = KvStates(new_cache, size_of(300))
    read(states, "old", list(range(100)))
    state, _ = read(states, "new", list(range(100, 400)), steps=0)
    assert states.sessions == ["new"]
    assert states.bytes_in_use == size_of(300)
    assert state.tokens == []


def test_what_was_once_written_stays_counted_after_going_back() -> None:
    states = KvStates(new_cache, PLENTY)
    read(states, "s", list(range(300)))
    read(states, "s", list(range(10)))
    assert states.bytes_in_use == size_of(300)


def test_a_state_is_handed_over_where_there_is_no_room_for_a_copy_beside_it() -> None:
    states = KvStates(new_cache, size_of(60))
    source, _ = read(states, "first", [*SYSTEM, 1, 2])
    state, reused = read(states, "second", [*SYSTEM, 3])
    assert state is source
    assert reused == len(SYSTEM)
    assert state.tokens == [*SYSTEM, 3]
    assert states.sessions == ["second"]
    assert_holds_its_tokens(state)


def test_a_state_that_is_handed_over_replaces_the_session_s_own() -> None:
    states = KvStates(new_cache, size_of(300) + size_of(10))
    source, _ = read(states, "first", list(range(300)))
    read(states, "second", [7, 8])
    state, reused = read(states, "second", [*range(290), 5])
    assert (state, reused) == (source, 290)
    assert states.sessions == ["second"]


def test_the_state_that_is_copied_outlives_those_used_after_it() -> None:
    states = KvStates(new_cache, 3 * size_of(60))
    for session, prompt in {"source": [*SYSTEM, 1], "b": [5, 6], "c": [7, 8]}.items():
        read(states, session, prompt)
    assert read(states, "new", [*SYSTEM, 2])[1] == len(SYSTEM)
    assert states.sessions == ["source", "c", "new"]


def test_the_memory_of_a_state_is_free_as_soon_as_it_goes() -> None:
    states = KvStates(new_cache, 0)
    arrays = weakref.ref(read(states, "first", list(range(60)))[0].cache.keys.array)
    assert arrays() is not None
    read(states, "second", list(range(100, 160)))
    assert arrays() is None


@pytest.mark.parametrize("error", [OSError("no commit charge"), MemoryError()])
def test_states_go_when_the_system_has_no_memory_for_another(error: Exception) -> None:
    alive: weakref.WeakSet[KvCache] = weakref.WeakSet()

    def limited() -> KvCache:
        if len(alive) == 2:
            raise error
        alive.add(cache := new_cache())
        return cache

    states = KvStates(limited, PLENTY)
    for number, session in enumerate(("first", "second", "third")):
        read(states, session, list(range(100 * number, 100 * number + 30)))
    assert states.sessions == ["second", "third"]


def test_no_memory_for_the_only_state_is_an_error_that_leaves_nothing() -> None:
    def nothing() -> KvCache:
        raise OSError("no commit charge")

    states = KvStates(nothing, PLENTY)
    with pytest.raises(MemoryError):
        read(states, "first", [1, 2, 3])
    assert states.sessions == []


@pytest.mark.parametrize("positions", [1, 16, 17, 64, 65, 200, 400])
@pytest.mark.parametrize("window", [WINDOW, 400], ids=["heads begin a page", "heads begin anywhere"])
def test_a_cache_takes_no_more_pages_than_it_is_counted_with(window: int, positions: int) -> None:
    cache = KvCache(SMALL, window)
    pages = set()
    for keys, values in zip(heads_of(cache.keys.array), heads_of(cache.values.array), strict=True):
        for written in (keys[: -(-positions // BLOCK)], values[:positions]):
            first, end = np.lib.array_utils.byte_bounds(written)
            pages |= set(range(first // mmap.PAGESIZE, (end - 1) // mmap.PAGESIZE + 1))
    assert len(pages) * mmap.PAGESIZE <= cache.bytes_for(positions) <= 4 * len(pages) * mmap.PAGESIZE


def heads_of(array: np.ndarray) -> list[np.ndarray]:
    return [array[layer, head] for layer in range(array.shape[0]) for head in range(array.shape[1])]


def test_an_empty_cache_takes_nothing() -> None:
    assert new_cache().bytes_for(0) == 0


PROMPTS = st.tuples(st.integers(0, 40), st.lists(st.integers(1, 2), min_size=1, max_size=60)).map(
    lambda parts: SYSTEM[: parts[0]] + parts[1]
)
TURNS = st.lists(st.tuples(st.sampled_from("abcd"), PROMPTS, st.integers(0, 100)), min_size=1, max_size=8)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(turns=TURNS, budget=st.sampled_from([0, size_of(64), 3 * size_of(64), PLENTY]))
def test_every_state_holds_what_it_says_however_turns_are_cut_off(
    turns: list[tuple[str, list[int], int]], budget: int
) -> None:
    states = KvStates(new_cache, budget)
    for session, prompt, steps in turns:
        state, reused = read(states, session, prompt, steps=steps)
        assert states.sessions[-1] == session
        assert state.tokens == prompt[: reused + steps]
        assert states.bytes_in_use <= budget or len(states.sessions) == 1
        for warm in warm_states(states):
            assert len(warm.tokens) <= warm.reserved
            assert_holds_its_tokens(warm)


def warm_states(states: KvStates) -> list[KvState]:
    return [states._states[session] for session in states.sessions]
