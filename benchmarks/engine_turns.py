"""What the whole program makes of the engine's speed: second turns, and what it adds of its own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.engine_answers import Answer
from benchmarks.engine_figures import median_difference, median_ratio
from benchmarks.engine_process import Worker
from benchmarks.report import Cell, Table
from tether_desktop import paths
from tether_desktop.model.cpu import default_threads
from tether_desktop.model.discovery.catalog import ModelEntry

TURN_TARGET = 0.15
RATE_TARGET = 3.0
FIRST_TARGET = 20.0
SWITCH_TARGET = 1.2
NOTE = (
    f"Targets: the second turn's first token below {TURN_TARGET} of the first turn's; the program costs less than "
    f"{RATE_TARGET:g} % of decode speed and {FIRST_TARGET:g} ms of the first token; the first token after changing to "
    f"another warm conversation comes within {SWITCH_TARGET} of the time it takes when staying in one."
)

_HISTORY_CHARACTERS = 3_500
_HISTORY_TOKENS = 48
_SHORT_TOKENS = 8
_AGAIN = "Say that in one sentence."
_TOPICS = ("Lighthouses", "Bread", "Volcanoes", "Trains", "Honey", "Glaciers", "Clocks", "Rivers", "Maps", "Bridges")


@dataclass(frozen=True, slots=True)
class Program:
    """Which model is asked, and where models are."""

    dist: str
    model: ModelEntry

    def worker(self, subject: str, threads: int) -> Worker:
        """A process that answers with that many threads."""
        return Worker(subject, dist=self.dist, model=self.model.name, threads=threads)


def second_turn_table(program: Program, *, rounds: int) -> Table:
    """The first token of a question at the end of a conversation, beside that of the conversation read anew."""
    pairs: list[tuple[Answer, Answer]] = []
    with program.worker("stack", default_threads()) as stack:
        for number in range(rounds):
            first = _ask(stack, _long_question(number), _HISTORY_TOKENS)
            pairs.append((first, _ask(stack, _AGAIN, _HISTORY_TOKENS, session=first.session)))
    firsts, seconds = zip(*pairs, strict=True)
    ratio = median_ratio([each.first_s for each in seconds], [each.first_s for each in firsts])
    columns = ("turn", "prompt tokens", "of them cached", "first token ms", "of the first turn's")
    rows = (("first", *_prompt(firsts), None), ("second", *_prompt(seconds), ratio))
    return Table("Second turn", columns, rows)


def switch_table(program: Program, *, rounds: int) -> Table:
    """The first token of a next question in the same conversation, and in another one that is warm too."""
    stayed: list[Answer] = []
    switched: list[Answer] = []
    with program.worker("stack", default_threads()) as stack:
        sessions = [_ask(stack, _long_question(number), _HISTORY_TOKENS).session for number in range(2)]
        for number in range(rounds):
            there, here = sessions if number % 2 == 0 else sessions[::-1]
            stayed.append(_ask(stack, _AGAIN, _SHORT_TOKENS, session=here))
            switched.append(_ask(stack, _AGAIN, _SHORT_TOKENS, session=there))
    ratio = median_ratio([each.first_s for each in switched], [each.first_s for each in stayed])
    columns = ("question", "prompt tokens", "of them cached", "first token ms", "of staying's")
    rows = (("in the same", *_prompt(stayed), None), ("in another", *_prompt(switched), ratio))
    return Table("Changing between two warm conversations", columns, rows)


def added_table(program: Program, *, threads: Sequence[int], rounds: int, tokens: int) -> Table:
    """The same answers from the engine alone and through the whole program.

    The last column is the processor time of the program without its engine: what it takes from the engine
    where every core computes.
    """
    rows = [_added(program, number, rounds, tokens) for number in threads]
    measures = ("decode tok/s alone", "in the program", "lost %", "first token ms alone", "in the program", "added ms")
    counts = ("prompt tokens", "cached alone / in the program", "tokens", "same text")
    columns = ("threads", *counts, *measures, "its CPU per token us")
    return Table("Added by process, service and store", columns, tuple(rows))


def _added(program: Program, threads: int, rounds: int, tokens: int) -> tuple[Cell, ...]:
    alone: list[Answer] = []
    whole: list[Answer] = []
    with ExitStack() as processes:
        direct = processes.enter_context(program.worker("direct", threads))
        stack = processes.enter_context(program.worker("stack", threads))
        for number in range(rounds):
            sides = [(direct, alone), (stack, whole)]
            # Whoever comes second is not always the same.
            for worker, answers in sides if number % 2 else reversed(sides):
                answers.append(_ask(worker, _topic_question(number), tokens))
    return (str(threads), *_costs(alone, whole))


def _costs(alone: Sequence[Answer], whole: Sequence[Answer]) -> tuple[Cell, ...]:
    cached = " / ".join(str(statistics.median_low(each.cached_tokens for each in side)) for side in (alone, whole))
    prompt = statistics.median_low(each.prompt_tokens for each in alone)
    same = sum(one.text == other.text for one, other in zip(alone, whole, strict=True))
    rates = [[each.rate for each in side] for side in (alone, whole)]
    firsts = [[each.first_s * 1000 for each in side] for side in (alone, whole)]
    lost = (1 - median_ratio(rates[1], rates[0])) * 100
    added = median_difference(firsts[1], firsts[0])
    cpu = statistics.median(each.cpu_s / each.completion_tokens for each in whole) * 1e6
    written = statistics.median_low(each.completion_tokens for each in alone)
    return (
        *(prompt, cached, written, f"{same} of {len(alone)}"),
        *(statistics.median(rates[0]), statistics.median(rates[1]), lost),
        *(statistics.median(firsts[0]), statistics.median(firsts[1]), added, cpu),
    )


def _prompt(answers: Sequence[Answer]) -> tuple[Cell, ...]:
    return (
        statistics.median_low(each.prompt_tokens for each in answers),
        statistics.median_low(each.cached_tokens for each in answers),
        statistics.median(each.first_s for each in answers) * 1000,
    )


def _ask(worker: Worker, question: str, tokens: int, **more: str) -> Answer:
    return Answer(**worker.ask("ask", question=question, tokens=tokens, **more))


def _long_question(number: int) -> str:
    """A long text with a question, different from its first word on."""
    text = (paths.project_root() / "LICENSE").read_text(encoding="utf-8")
    start = text.index(" ", 200 * (number + 1)) + 1
    return f"{number + 1} is the number of this text: {text[start : start + _HISTORY_CHARACTERS]}\n\nWhat is it about?"


def _topic_question(number: int) -> str:
    """A question with a long answer, different from its first word on."""
    topic = f"{_TOPICS[number % len(_TOPICS)]} {number + 1}"
    return (
        f"{topic}: write a long and detailed story about this. Begin with the people there, then say what they "
        "do all day, what they eat, what they fear and what they hope for, and end with something that nobody expects."
    )
