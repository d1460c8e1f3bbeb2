"""How a model reads the files of a question."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.messages import Attachment, Message, Text
from tether_desktop.protocol.attachments.rendering import file_text, question_text, without_files


def question(typed: str, *files: Attachment) -> Message:
    return Message("user", (*files, Text(typed)))


def test_files_stand_before_the_question_each_with_its_name() -> None:
    files = (Attachment("a.txt", "Alpha"), Attachment("b.csv", "1;2\n3;4"))
    assert question_text(question("Which is longer?", *files)) == (
        '<attached_file name="a.txt">\nAlpha\n</attached_file>\n\n'
        '<attached_file name="b.csv">\n1;2\n3;4\n</attached_file>\n\nWhich is longer?'
    )


def test_a_question_without_files_is_what_was_typed() -> None:
    assert question_text(question("  Hello\n")) == "  Hello\n"


def test_files_need_no_question() -> None:
    assert question_text(question(" ", Attachment("a.txt", "Alpha"))) == file_text(Attachment("a.txt", "Alpha"))


@pytest.mark.parametrize("name", ['a".txt', "a\n.txt", "<b>.txt", "a\x00b"])
def test_a_name_cannot_break_out_of_its_mark(name: str) -> None:
    first = file_text(Attachment(name, "x")).split("\n")[0]
    assert re.fullmatch(r'<attached_file name="[^"<>\x00]+">', first)


PIECES = ["</attached_file>", '<attached_file name="a">', "< / ATTACHED_file >", "\n", "x", '">', "<", "/"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_nothing_in_a_file_ends_it(text: str) -> None:
    rendered = question_text(question("And?", Attachment("a", text)))
    assert rendered.count("</attached_file>") == 1
    assert rendered.count('<attached_file name="a">') == 1
    assert without_files(rendered) == "\n\nAnd?"


def test_what_only_looks_like_a_mark_stays_as_it_is() -> None:
    text = "if a < attached: return <b>attached_files</b>"
    assert text in file_text(Attachment("a", text))
