"""What errors quote of files is kept to what a person can read."""

from __future__ import annotations

import pytest

from tether_desktop.errors import ModelBroken, TetherError


def test_texts_are_kept_as_they_are() -> None:
    error = TetherError("It failed", "«Grüße» 漢字 🦙\n\tשלום.", "Try again.")
    assert (error.title, error.message, error.hint) == ("It failed", "«Grüße» 漢字 🦙\n\tשלום.", "Try again.")
    assert str(error) == "It failed: «Grüße» 漢字 🦙\n\tשלום. Try again."


@pytest.mark.parametrize("character", ["\0", "\x1b", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_what_could_move_colour_or_turn_a_text_is_replaced(character: str) -> None:
    error = ModelBroken("It failed", f"a{character}b")
    assert error.message == "a\ufffdb"
    assert character not in str(error)


def test_what_a_hostile_file_calls_its_parts_does_not_fill_the_screen() -> None:
    error = ModelBroken("It failed", "x" * 10_000_000, "y" * 10_000_000)
    assert len(error.message) == len(error.hint) == 2000
    assert " … " in error.message


def test_what_is_said_of_a_long_name_is_not_cut_off() -> None:
    error = ModelBroken("It failed", f"Its tensor {'x' * 10_000_000!r} is there twice.")
    assert error.message.startswith("Its tensor 'x")
    assert error.message.endswith("x' is there twice.")
