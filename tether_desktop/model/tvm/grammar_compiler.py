"""Grammars compiled within limits: of time and memory, and in a process of their own where these cannot be foreseen."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from tether_desktop.errors import ConstraintRefused, InstallError
from tether_desktop.model.hosting.job import exit_with_parent, run_job
from tether_desktop.model.tvm.deep_thread import in_deep_thread
from tether_desktop.model.tvm.grammar_text import GrammarText, refusal

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

SECONDS_TO_COMPILE = 10.0
MOST_MEMORY = 1 << 30
"""Bytes that a grammar may take while it is tried out."""

_LEXER_STATES = 50_000
"""Some 1 to 2 kB each."""

_ITEMS_IN_A_ROW = 10_000
"""What may come next, in llguidance's items; an object has four of them for each property that may be left out."""


async def compile_grammar(grammar: GrammarText, tokenizer: LLTokenizer) -> LLMatcher:
    """A matcher at the beginning of a reply; others can use the loop meanwhile.

    Raises:
        ConstraintRefused: the grammar is not understood, no text can fulfil it, or it goes beyond the limits.
    """
    try:
        async with asyncio.timeout(SECONDS_TO_COMPILE):
            if not grammar.is_plain:
                await _try_out(grammar.text)
            return await in_deep_thread(lambda: start_matcher(grammar.text, tokenizer))
    except TimeoutError as error:
        raise refusal("It takes too long to prepare") from error


def start_matcher(grammar: str, tokenizer: LLTokenizer) -> LLMatcher:
    """A matcher that has been seen to make its first step.

    Raises:
        ConstraintRefused: it cannot.
    """
    from llguidance import LLMatcher, LLParserLimits

    limits = LLParserLimits(max_lexer_states=_LEXER_STATES, max_items_in_row=_ITEMS_IN_A_ROW, verbose_errors=False)
    try:
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
        first = matcher.deep_copy()
        if first.consume_tokens(first.compute_ff_tokens()) and not first.is_stopped():
            first.compute_bitmask()
    except BaseException as error:  # a panic of the library over what it has not foreseen is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise refusal(str(error)) from error
    if first.is_error():
        raise refused_by(first)
    return matcher


def refused_by(matcher: LLMatcher) -> ConstraintRefused:
    """Why a matcher cannot go on, in llguidance's own words as far as they are for people."""
    problem = matcher.get_error().split("\n<")[0].removeprefix("panic: ")
    return refusal("Nothing that the model can write fulfils it" if problem == "NoExtensionBias" else problem)


async def _try_out(grammar: str) -> None:
    """Compile a grammar in a process of its own, which can be ended where a thread cannot.

    Raises:
        ConstraintRefused: as it was refused there, or it took too much memory, or broke the process.
    """
    answers: list[str] = []
    try:
        end = await run_job("grammar", answers.append, request=f"{json.dumps(grammar)}\n", most_memory=MOST_MEMORY)
    except InstallError as error:
        raise refusal(f"It cannot be tried out: {error.message}") from error
    if end.too_large:
        raise refusal("It takes too much memory to prepare")
    if not answers:
        raise refusal("It breaks what should prepare it")
    if problem := json.loads(answers[-1]):
        raise refusal(problem)


def main() -> int:
    """Run the process that tries a grammar out; it says what the problem is, or nothing, as a line of JSON."""
    from llguidance import LLTokenizer

    grammar = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    try:
        start_matcher(grammar, LLTokenizer("byte"))
        problem = ""
    except ConstraintRefused as error:
        problem = error.message
    sys.stdout.write(f"{json.dumps(problem)}\n")
    return 0
