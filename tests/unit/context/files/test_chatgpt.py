"""ChatGPT's conversations as ours: the tree, what is shown of it, and replies that it keeps in pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.helpers.conversation_files import NOON, chatgpt_conversation, plain_talk, said
from tether_desktop.context import tree
from tether_desktop.context.files.chatgpt import conversation_of
from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.records import Conversation, MessageRecord
from tether_desktop.messages import Part, Reasoning, Text, ToolCall, ToolResult

HIDDEN = {"is_visually_hidden_from_conversation": True}


def shown(conversation: Conversation) -> list[MessageRecord]:
    """The branch that is shown."""
    by_id = {record.id: record for record in conversation.messages}
    links = [(record.id, record.parent_id) for record in conversation.messages]
    return [by_id[message_id] for message_id in tree.branch(links, conversation.session.head_id)]


def texts(conversation: Conversation) -> list[str]:
    return [record.message.text for record in shown(conversation)]


def content(kind: str, **fields: Any) -> dict[str, Any]:
    return {"content_type": kind, **fields}


def reply_parts(*places: dict[str, Any]) -> tuple[Part, ...]:
    """What a reply of these pieces, each below the one before, consists of."""
    question = said("q", None, "user", "Go on.")
    above, pieces = "q", []
    for place in places:
        pieces.append({**place, "parent": above})
        above = place["id"]
    _, reply = shown(conversation_of(chatgpt_conversation(question, *pieces)))
    return reply.message.parts


def seconds(time: datetime) -> float:
    return time.timestamp()


def test_a_plain_talk_is_a_question_and_its_answer() -> None:
    conversation = conversation_of(plain_talk())
    question, answer = conversation.messages
    assert (question.message.role, question.message.text) == ("user", "Why is the sky blue?")
    assert (question.model, question.finish_reason, question.parent_id) == ("", None, None)
    assert (answer.message.role, answer.message.text) == ("assistant", "Because of scattering.")
    assert (answer.model, answer.finish_reason, answer.parent_id) == ("gpt-4o", "stop", question.id)
    session = conversation.session
    assert (session.id, session.title) == ("6ab2c6e676f883ea8433ea50e37fd704", "A talk")
    assert (session.model, session.head_id, session.pinned) == ("", answer.id, False)
    assert seconds(session.created_at) == NOON
    assert [seconds(record.created_at) for record in conversation.messages] == [NOON + 1, NOON + 2]
    assert session.last_active == answer.created_at


def test_other_answers_and_edited_questions_stay_versions() -> None:
    conversation = conversation_of(
        chatgpt_conversation(
            said("q1", None, "user", "first question"),
            said("a1", "q1", "assistant", "first answer"),
            said("q2", None, "user", "edited question"),
            said("a2", "q2", "assistant", "other answer"),
            said("a3", "q2", "assistant", "yet another answer"),
            current_node="a2",
        )
    )
    assert texts(conversation) == ["edited question", "other answer"]
    by_text = {record.message.text: record for record in conversation.messages}
    assert len(by_text) == 5
    assert by_text["first question"].parent_id is by_text["edited question"].parent_id is None
    assert by_text["yet another answer"].parent_id == by_text["edited question"].id


def test_what_is_hidden_or_of_the_service_is_left_out() -> None:
    context = content("user_editable_context", user_profile="I am a spy.", user_instructions="Be brief.")
    conversation = conversation_of(
        chatgpt_conversation(
            said("s1", None, "system", "You are ChatGPT.", metadata=HIDDEN),
            said("s2", "s1", "system", "", metadata={"is_user_system_message": True}),
            said("u0", "s2", "user", content=context, metadata=HIDDEN),
            said("d", "u0", "developer", "Obey."),
            said("q", "d", "user", "Hi"),
            said("h", "q", "assistant", "secret", metadata=HIDDEN),
            said("a", "h", "assistant", "Hello"),
        )
    )
    assert texts(conversation) == ["Hi", "Hello"]


def test_a_hidden_head_shows_what_is_above_it() -> None:
    places = [said("q", None, "user", "Hi"), said("a", "q", "assistant", "Hello"), said("x", "q", "assistant", "Other")]
    hidden = said("h", "a", "system", "note", metadata=HIDDEN)
    assert texts(conversation_of(chatgpt_conversation(*places, hidden))) == ["Hi", "Hello"]
    for nowhere in ("client-created-root", "gone", None, 5):
        assert texts(conversation_of(chatgpt_conversation(*places, current_node=nowhere))) == ["Hi", "Other"]


def test_thoughts_are_put_before_the_reply_with_the_time_they_took() -> None:
    thoughts = content("thoughts", thoughts=[{"summary": "Looking", "content": "I look."}, {"content": "I see."}])
    parts = reply_parts(
        said("t1", None, "assistant", content=thoughts),
        said("t2", None, "assistant", content=content("thoughts", thoughts=[])),
        said("t3", None, "assistant", content=content("thoughts", thoughts=[{"summary": "So", "content": ""}])),
        said("r", None, "assistant", content=content("reasoning_recap", content="Thought for 1m 5s")),
        said("a", None, "assistant", "Done."),
    )
    assert parts == (Reasoning("Looking\nI look.\n\nI see.\n\nSo", "pre_tool", 65.0), Text("Done."))


def test_the_time_of_thinking_is_taken_as_a_number_where_there_is_one() -> None:
    recap = content("reasoning_recap", content="Worked for a couple of seconds")
    thought = said("t", None, "assistant", "Hm.", channel="analysis")
    for told, expected in ((2.5, 2.5), (None, None), (True, None), (-1, None)):
        metadata = {"finished_duration_sec": told}
        parts = reply_parts(thought, said("r", None, "assistant", content=recap, metadata=metadata))
        assert parts == (Reasoning("Hm.", "pre_tool", expected),)


def test_calls_of_tools_have_their_results() -> None:
    code = content("code", language="unknown", text="print(6 * 7)")
    output = content("execution_output", text="42")
    python = {"role": "tool", "name": "python", "metadata": {}}
    parts = reply_parts(
        said("c", None, "assistant", content=code, recipient="python"),
        said("r", None, "tool", content=output, author=python),
        said("t", None, "assistant", "Clear.", channel="analysis"),
        said("a", None, "assistant", "It is 42."),
    )
    assert parts == (
        ToolCall("c", "python", {"code": "print(6 * 7)"}),
        ToolResult("c", "python", "42"),
        Reasoning("Clear.", "post_tool"),
        Text("It is 42."),
    )


def test_arguments_that_are_json_are_taken_apart() -> None:
    found = reply_parts(said("c", None, "assistant", '{"q": ["rain"]}', recipient="web.run"))
    assert found == (ToolCall("c", "web_run", {"q": ["rain"]}),)
    for text in ('["rain"]', '{"q": NaN}', '{"q": 1} and more', "search(rain)", '{"a":' * 2000, '{"a":1e999}'):
        assert reply_parts(said("c", None, "assistant", text, recipient="web.run")) == (
            ToolCall("c", "web_run", {"input": text}),
        )


def test_several_answers_to_a_call_are_one_result() -> None:
    quotes = [content("tether_quote", title=name, url=f"https://{name}", text="says") for name in ("a", "b")]
    browser = {"role": "tool", "name": "browser"}
    parts = reply_parts(
        said("c", None, "assistant", "search('x')", recipient="browser"),
        said("r1", None, "tool", content=quotes[0], author=browser),
        said("r2", None, "tool", content=content("tether_browsing_display", result="", summary=""), author=browser),
        said("r3", None, "tool", content=quotes[1], author=browser),
    )
    assert parts[1:] == (ToolResult("c", "browser", "a\nhttps://a\nsays\n\nb\nhttps://b\nsays"),)


def test_an_answer_that_nobody_asked_for_gets_a_call() -> None:
    parts = reply_parts(said("r", None, "tool", "found it", author={"role": "tool", "name": "file search"}))
    assert parts == (ToolCall("r", "file_search"), ToolResult("r", "file_search", "found it"))


def test_an_error_of_a_tool_is_one() -> None:
    failed = content("system_error", name="ChatGPTAgentToolException", text="Timed out")
    parts = reply_parts(
        said("c", None, "assistant", "{}", recipient="browser"), said("r", None, "tool", content=failed)
    )
    assert parts[1] == ToolResult("c", "browser", "Timed out", is_error=True)


def test_what_is_no_text_becomes_a_word_in_brackets() -> None:
    image = content("image_asset_pointer", asset_pointer="file-service://x", width=1)
    speech = content("audio_transcription", text="Good day")
    sound = content("real_time_user_audio_video_asset_pointer", audio_asset_pointer={})
    film = content("video_container_asset_pointer")
    for parts, expected in (
        ([image, "What is it?"], "[image]\nWhat is it?"),
        ([speech, sound], "Good day"),
        ([sound], "[audio]"),
        ([film, None, 5, [], ""], "[video]"),
        ([content("hologram_pointer")], "[hologram pointer]"),
    ):
        asked = said("q", None, "user", content=content("multimodal_text", parts=parts))
        assert texts(conversation_of(chatgpt_conversation(asked))) == [expected]


def test_kinds_of_content_that_are_not_known_show_their_text_or_that_they_were_there() -> None:
    assert reply_parts(said("a", None, "assistant", content=content("poem", text="Roses"))) == (Text("Roses"),)
    assert reply_parts(said("a", None, "assistant", content=content("new_kind", data=[1]))) == (Text("[new kind]"),)


def test_files_that_went_along_with_a_question_are_named() -> None:
    attachments = [{"name": "report.pdf", "mime_type": "application/pdf"}, {"name": "a.png", "mime_type": "image/png"}]
    asked = said("q", None, "user", "Sum up", metadata={"attachments": [*attachments, 5, {"name": None}]})
    assert texts(conversation_of(chatgpt_conversation(asked))) == ["Sum up\n[report.pdf]"]


def test_code_that_is_shown_stands_in_a_fence_that_it_cannot_leave() -> None:
    code = content("code", language="python", text="'''```'''")
    assert reply_parts(said("a", None, "assistant", content=code)) == (Text("````python\n'''```'''\n````"),)


def test_marks_of_sources_become_links_or_vanish() -> None:
    cited, unknown = "\ue200cite\ue202turn0search1\ue201", "\ue200cite\ue202turn0search2\ue201"
    entity, broken = '\ue200entity\ue202["city","Paris"]\ue201', "\ue200entity\ue202[\ue201"
    references = [{"matched_text": cited, "alt": "([a](https://a))"}, {"matched_text": 5}, None]
    text = f"Sky {cited} in {entity}{unknown}{broken}."
    parts = reply_parts(said("a", None, "assistant", text, metadata={"content_references": references}))
    assert parts == (Text("Sky ([a](https://a)) in Paris."),)


def test_a_reply_that_was_cut_off_goes_on_where_it_ended() -> None:
    cut = {"finish_details": {"type": "max_tokens"}, "model_slug": "gpt-4"}
    first = said("a", None, "assistant", "A very lo", metadata=cut)
    assert reply_parts(first, said("b", None, "assistant", "ng word.")) == (Text("A very long word."),)
    assert reply_parts(said("a", None, "assistant", "One."), said("b", None, "assistant", "Two.")) == (
        Text("One.\n\nTwo."),
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("stop", "stop"),
        ("max_tokens", "length"),
        ("interrupted", "cancelled"),
        ("new", "stop"),
        (["max_tokens"], "stop"),
    ],
)
def test_how_a_reply_ended_is_kept(kind: Any, reason: str) -> None:
    metadata = {"finish_details": {"type": kind}}
    places = said("q", None, "user", "q"), said("a", "q", "assistant", "a", metadata=metadata)
    assert conversation_of(chatgpt_conversation(*places)).messages[1].finish_reason == reason


def test_the_model_of_the_conversation_stands_in_for_one_that_is_not_told() -> None:
    places = said("q", None, "user", "q"), said("a", "q", "assistant", "a", metadata={})
    assert conversation_of(chatgpt_conversation(*places)).messages[1].model == "gpt-5"


def test_a_reply_that_parts_in_the_middle_keeps_both_ways() -> None:
    conversation = conversation_of(
        chatgpt_conversation(
            said("q", None, "user", "q"),
            said("t", "q", "assistant", "thinking", channel="analysis"),
            said("a", "t", "assistant", "one"),
            said("b", "t", "assistant", "two"),
        )
    )
    thought, one, two = conversation.messages[1:]
    assert thought.message.reasoning == "thinking"
    assert one.parent_id == two.parent_id == thought.id
    assert [each.message.text for each in (one, two)] == ["one", "two"]


def test_replies_that_part_below_something_hidden_are_not_put_in_a_row() -> None:
    hidden = [said(name, "a", "system", "", metadata=HIDDEN) for name in ("h1", "h2")]
    conversation = conversation_of(
        chatgpt_conversation(
            said("q", None, "user", "q"),
            said("a", "q", "assistant", "start"),
            *hidden,
            said("b", "h1", "assistant", "one"),
            said("c", "h2", "assistant", "two"),
        )
    )
    assert [record.message.text for record in conversation.messages] == ["q", "start", "one", "two"]


@pytest.mark.parametrize(
    "time", [None, "", "nonsense", -1, 0, 0.0, 253402300799, 10**400, 1e308, True, [], {}, "nan", "inf", "9999-12-31"]
)
def test_times_that_are_none_are_taken_from_what_is_near(time: Any) -> None:
    talk = plain_talk(create_time=time, update_time=time)
    for node in talk["mapping"].values():
        if node["message"]:
            node["message"]["create_time"] = time if node["id"] == "a" else NOON
    conversation = conversation_of(talk)
    question, answer = conversation.messages
    assert seconds(question.created_at) == NOON == seconds(conversation.session.created_at)
    assert answer.created_at == question.created_at + timedelta(microseconds=1)
    assert conversation.session.last_active == answer.created_at


@pytest.mark.parametrize("time", ["1750000000", "1750000000.0", "2025-06-15T15:06:40Z", "2025-06-15T15:06:40"])
def test_times_may_be_texts(time: str) -> None:
    conversation = conversation_of(plain_talk(create_time=time))
    assert conversation.session.created_at == datetime.fromtimestamp(NOON, UTC)


def test_a_conversation_without_any_time_began_now() -> None:
    talk = plain_talk(create_time=None, update_time=None)
    for node in talk["mapping"].values():
        if node["message"]:
            node["message"]["create_time"] = None
    before = datetime.now(UTC)
    assert before <= conversation_of(talk).session.created_at <= datetime.now(UTC)


def test_a_starred_conversation_is_pinned() -> None:
    assert conversation_of(plain_talk(is_starred=True)).session.pinned


@pytest.mark.parametrize("title", [None, 5, [], "", " \n"])
def test_a_title_that_is_none_is_empty(title: Any) -> None:
    assert conversation_of(plain_talk(title=title)).session.title == ""


def test_links_to_the_parent_may_be_missing_where_the_children_are_told() -> None:
    talk = plain_talk()
    for node in talk["mapping"].values():
        del node["parent"]
    assert texts(conversation_of(talk)) == ["Why is the sky blue?", "Because of scattering."]


def test_a_message_whose_parent_is_not_there_is_a_first_one() -> None:
    talk = plain_talk()
    del talk["mapping"]["client-created-root"]
    assert texts(conversation_of(talk)) == ["Why is the sky blue?", "Because of scattering."]


def change(**fields: Any) -> dict[str, Any]:
    talk = plain_talk()
    talk["mapping"]["a"]["message"] |= fields
    return talk


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (None, "It is no conversation."),
        ({"mapping": []}, "It is no conversation."),
        ({"mapping": {}}, "Nothing was said in it."),
        (chatgpt_conversation(said("s", None, "system", "You are.")), "Nothing was said in it."),
        ({"mapping": {"a": None}}, "One of its messages is no JSON object."),
        ({"mapping": {"a": {"message": "hi"}}}, "One of its messages is no JSON object."),
        (change(author=None), "One of its messages is of a kind that is not known."),
        (change(author={"role": "critic"}), "One of its messages is of a kind that is not known."),
        (change(author={"role": ["user"]}), "One of its messages is of a kind that is not known."),
        (change(content="hello"), "One of its messages is of a kind that is not known."),
        ({"mapping": {"a": {"parent": "a", "message": None}}}, "Its messages follow each other in a circle."),
        (
            {"mapping": {name: said(name, other, "user", "x") for name, other in (("a", "b"), ("b", "a"))}},
            "Its messages follow each other in a circle.",
        ),
    ],
)
def test_what_cannot_be_understood_is_left_out_as_a_whole(talk: Any, reason: str) -> None:
    with pytest.raises(Unfit) as left_out:
        conversation_of(talk)
    assert str(left_out.value) == reason


def test_a_long_reply_in_pieces_takes_no_longer_than_it_is() -> None:
    pieces = []
    for number in range(5000):
        pieces.append(said(f"c{number}", None, "assistant", "{}", recipient="browser"))
        pieces.append(said(f"r{number}", None, "tool", "text " * 20))
    assert len(reply_parts(*pieces, said("a", None, "assistant", "Done."))) == 10_001
