"""Markdown for people: what is shown, as it was written, and nothing that breaks out of its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from markdown_it import MarkdownIt

from tether_desktop.context.files.exports import markdown_of
from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.messages import Attachment, FinishReason, Message, Part, Reasoning, Text, ToolCall, ToolResult

TIME = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


def session(title: str = "Talk", model: str = "small-model", created_at: datetime = TIME) -> SessionRecord:
    return SessionRecord("s", title, model, None, created_at, created_at)


def question(text: str) -> MessageRecord:
    return MessageRecord("q", "s", None, Message("user", (Text(text),)), TIME)


def reply(
    *parts: Part, ended: FinishReason | None = "stop", error: str = "", model: str = "small-model"
) -> MessageRecord:
    message = Message("assistant", parts)
    return MessageRecord("a", "s", "q", message, TIME, model=model, finish_reason=ended, error=error)


def headings(records: Sequence[MessageRecord], title: str = "Talk") -> list[str]:
    """The headings that a reader of Markdown sees outside of all else."""
    tokens = MarkdownIt("commonmark").parse(markdown_of(session(title), records))
    return [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]


def test_a_talk_reads_like_one() -> None:
    records = [question("Rain?"), reply(Text("No, *never*."))]
    assert markdown_of(session(), records) == (
        "# Talk\n\n2026-01-31 12:30 UTC · small-model\n\n## You\n\nRain?\n\n## small-model\n\nNo, *never*.\n"
    )


def test_the_time_is_in_utc() -> None:
    late = TIME.astimezone(timezone(timedelta(hours=14)))
    assert "2026-01-31 12:30 UTC" in markdown_of(session(created_at=late), [])


def test_thoughts_are_folded_away() -> None:
    made = markdown_of(session(), [reply(Reasoning("First.\n\nThen.", seconds=2.4), Text("Yes."))])
    folded = "<details>\n<summary>Thought for 2 s</summary>\n\n> First.\n>\n> Then.\n\n</details>\n\nYes.\n"
    assert made.endswith(folded)
    assert "<summary>Thoughts</summary>" in markdown_of(session(), [reply(Reasoning("Hm."))])


def test_files_are_folded_away_under_their_names() -> None:
    file = Attachment("a <b>\n`report`.md", "# Not a heading\n```\n</details>\n> so", "text/markdown", 9)
    asked = MessageRecord("q", "s", None, Message("user", (file, Text("Well?"))), TIME)
    made = markdown_of(session(), [asked])
    assert "<summary>File: a &lt;b&gt; `report`.md</summary>" in made
    assert made.endswith("> ````\n\n</details>\n\nWell?\n")
    assert headings([asked]) == ["Talk", "You"]


def test_calls_are_blocks_of_code_with_what_came_of_them() -> None:
    call = ToolCall("c", "weather", {"city": "Zürich"})
    made = markdown_of(session(), [reply(call, ToolResult("c", "weather", "rain"), Text("It rains."))])
    assert '**Call of `weather`**\n\n```json\n{\n  "city": "Zürich"\n}\n```\n\n' in made
    assert "**Result of `weather`**\n\n```\nrain\n```\n\nIt rains.\n" in made
    failed = ToolResult("c", "weather", "```\nlost", is_error=True)
    assert "**Error of `weather`**\n\n````\n```\nlost\n````" in markdown_of(session(), [reply(failed)])
    unclear = ToolCall("c", "", text='{"name": wea')
    assert '**A call that cannot be understood**\n\n```\n{"name": wea\n```' in markdown_of(session(), [reply(unclear)])


@pytest.mark.parametrize(
    ("ended", "error", "words"),
    [
        ("length", "", "*Cut off at the longest length of a reply.*"),
        ("cancelled", "", "*Stopped.*"),
        ("error", "The engine <died>.", r"*The reply failed: The engine \<died>.*"),
        ("error", "", "*The reply failed.*"),
        (None, "", "*Still being written.*"),
    ],
)
def test_how_a_reply_ended_is_told_unless_it_just_ended(ended: FinishReason | None, error: str, words: str) -> None:
    assert markdown_of(session(), [reply(Text("So"), ended=ended, error=error)]).endswith(f"So\n\n{words}\n")
    assert markdown_of(session(), [reply(Text("So"))]).endswith("So\n")


def test_texts_that_arrived_in_pieces_are_one() -> None:
    assert markdown_of(session(), [reply(Text("a wo"), Text("rd"), Text("  "))]).endswith("a word  \n")


HOSTILE_TEXTS = (
    "```python\nprint()",
    "~~~~\n# no heading\n~~~",
    "``````",
    "```\na\n```\n\n~~~ x",
    "- a list\n\n  ```\n  open",
    "> quoted\n> ```\n> open",
    "1. one\n   ~~~\n   two",
    "<!-- a comment",
    "<script>\nalert(1)",
    "<pre>\n\ntext",
    "<?php",
    "<![CDATA[ x",
    "a < b and `c",
    "    ```\nindented",
    "text\n===\n",
    "| a | b |\n| - | - |",
    "[link]: https://example.org",
    "trailing \\",
    "\n\n\nlines\n\n\n",
)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_text_swallows_what_follows_it(text: str) -> None:
    records = [
        question(text),
        reply(Text("fine"), model="Model A"),
        question("more"),
        reply(Reasoning(text), Text(text)),
    ]
    found = headings(records)
    assert [each for each in found if each in {"Talk", "You", "Model A", "small-model"}] == [
        "Talk",
        "You",
        "Model A",
        "You",
        "small-model",
    ]
    assert text.strip("\n") in markdown_of(session(), [question(text)])


def test_fences_that_are_closed_are_left_as_they_are() -> None:
    text = "Look:\n\n```python\nprint()\n```\n\n<b>Bold</b>"
    assert markdown_of(session(), [question(text)]).endswith(f"## You\n\n{text}\n")


def test_thoughts_cannot_leave_their_fold() -> None:
    made = markdown_of(session(), [reply(Reasoning("</details> and </SUMMARY>"))])
    assert made.count("</details>") == 1
    assert "</SUMMARY>" not in made


@pytest.mark.parametrize(
    ("title", "heading"),
    [("", "Conversation"), (" a\nb ", "a b"), ("`*[x]<b>\\", r"\`\*\[x\]\<b>\\"), ("# 1", "# 1"), ("\ud800", "\ufffd")],
)
def test_a_title_is_one_heading_whatever_is_in_it(title: str, heading: str) -> None:
    assert markdown_of(session(title), []).startswith(f"# {heading}\n\n")
    assert len(headings([], title)) == 1


def test_replies_of_no_model_that_is_known_have_a_name_too() -> None:
    assert headings([reply(Text("x"), model="")]) == ["Talk", "Assistant"]


def test_what_no_file_of_text_can_hold_is_replaced() -> None:
    made = markdown_of(session(), [question("a\ud800b"), reply(Text("\ud83d"), Text("\ude00"))])
    assert "a\ufffdb" in made
    assert "😀" in made
    made.encode()
