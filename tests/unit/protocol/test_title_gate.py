"""What is taken for a title, and what is not."""

from __future__ import annotations

import pytest

from tether_desktop.protocol.title_gate import fit_title

SKY = "Why is the sky blue at noon and red in the evening?"
ANSWER = "Air scatters blue light most. In the evening the light goes a longer way through the air."


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Colours of the sky", "Colours of the sky"),
        ("  Blue sky, red evening\n", "Blue sky, red evening"),
        ('"Sky and scattered light"', "Sky and scattered light"),
        ("**Blue sky at noon**", "Blue sky at noon"),
        ("“Blue sky”", "Blue sky"),
        ("why the sky is blue", "Why the sky is blue"),
        ("Blue sky explained:", "Blue sky explained"),
        ("Why is the sky blue?", "Why is the sky blue?"),
    ],
)
def test_a_title_is_taken_without_what_is_around_it(said: str, title: str) -> None:
    assert fit_title(said, SKY, ANSWER) == title


@pytest.mark.parametrize(
    "said",
    [
        "",
        "   ",
        "...",
        "Title: Blue sky",
        "Topic: the sky",
        "Here is a title: Blue sky",
        "Here's a more concise version:",
        "Sure! Blue sky",
        "I'm sorry, the sky is not something I can name",
        "This conversation is about the sky",
        "The conversation was about the blue sky",
        "Two to five words about the sky",
        "A title about the blue sky",
        "The sky is blue because of the light.",
        "Blue sky!",
        "Blue sky of the sky of the sky of the sky",
        "A rather long sentence about the sky and why it is as blue as it is",
        "Sky one two three four five six seven eight",
        'The "blue" sky',
        "The *blue* sky",
        "# Blue sky",
        "<b>Blue</b> sky",
        "`sky`",
        "Blue sky\nRed evening",
        "Blue\u202esky",
        "Blue\x07sky",
        "Air scatters blue light most",
        "The golden age of Germany",
        "Sky high insurance premium refunds",
    ],
)
def test_what_is_no_title_is_refused(said: str) -> None:
    assert fit_title(said, SKY, ANSWER) == ""


@pytest.mark.parametrize(
    ("said", "question", "answer", "title"),
    [
        (
            "Hauptstadt von Frankreich",
            "Wie heißt die Hauptstadt von Frankreich?",
            "Paris.",
            "Hauptstadt von Frankreich",
        ),
        ("天空的颜色", "为什么天空是蓝色的？", "因为空气散射蓝光，所以颜色是蓝的。", "天空的颜色"),
        ("Cat not eating", "my cat doesn't eat since yesterday", "See a vet.", "Cat not eating"),
        ("Math problem", "hi", "Here is a math problem for you.", ""),
        ("Paris", "Wie heißt die Hauptstadt von Frankreich?", "Paris", ""),
    ],
)
def test_a_title_takes_up_the_question_in_any_language(said: str, question: str, answer: str, title: str) -> None:
    assert fit_title(said, question, answer) == title
