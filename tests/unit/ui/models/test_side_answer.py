"""What becomes of an answer that is compared, event by event, and what its figures say."""

from __future__ import annotations

import pytest

from tether_desktop.events import Cancelled, Done, ErrorEvent, Event, HiddenThought, Status, Title, Token
from tether_desktop.messages import Timings, Usage
from tether_desktop.ui.models.side_answer import SideAnswer

ASKED = SideAnswer("asked")
DONE = Done("stop", Usage(20, 0, 61), Timings(0.0, 0.1, 0.24, 0.5))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Status("queued"), "Waits until the model is free…"),
        (Status("loading_model", 0.42), "Loading the model… 42 %"),
        (Status("reading_prompt"), "Reading the question…"),
        (Token("Yes"), "Answering…"),
        (HiddenThought("Hm"), "Answering…"),
        (Title("A chat"), "Starting…"),
        (Cancelled(), "Stopped"),
        (DONE, ""),
    ],
)
def test_every_moment_is_told(event: Event, words: str) -> None:
    assert ASKED.after([event]).state_text == words


def test_words_and_thoughts_are_gathered() -> None:
    answer = ASKED.after([HiddenThought("H"), HiddenThought("m"), Token("Ye"), Token("s"), DONE])
    assert (answer.thoughts, answer.text, answer.running) == ("Hm", "Yes", False)
    assert answer.figures == "First word after 240 ms · 120 tokens/s · 61 tokens in 740 ms"


def test_one_word_has_no_speed() -> None:
    answer = ASKED.after([Done("stop", Usage(20, 0, 1), Timings(0.0, 0.1, 1.5, 0.0))])
    assert answer.figures == "First word after 1.5 s · 1 token in 1.5 s"


def test_a_failure_keeps_what_was_said_and_why() -> None:
    answer = ASKED.after([Token("Ye"), ErrorEvent("It broke.", "engine_error", "No", "Again.")])
    assert (answer.state, answer.text) == ("failed", "Ye")
    assert answer.error is not None
    assert (answer.error.title, answer.error.message, answer.error.hint) == ("No", "It broke.", "Again.")
