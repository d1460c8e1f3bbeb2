"""Imports: recognised by content, whole conversations or none, and nothing twice."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.conversation_files import chatgpt_conversation, export_of, plain_talk, said, write_json, write_zip
from tether_desktop.context.files import import_source, json_stream
from tether_desktop.context.files.imports import import_file
from tether_desktop.context.store import Store
from tether_desktop.errors import ImportProblem, StoreFull
from tether_desktop.messages import Text, ToolCall, text_message

Session = dict[str, Any]
on_every_database = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def message(message_id: str, parent_id: str | None = None, **fields: Any) -> dict[str, Any]:
    usual = {"role": "user", "created_at": "2026-01-31T12:00:00+00:00", "parts": [{"type": "text", "text": message_id}]}
    return {"id": message_id, "parent_id": parent_id} | usual | fields


def session(*messages: dict[str, Any], **fields: Any) -> Session:
    times = {"created_at": "2026-01-31T12:00:00+00:00", "last_active": "2026-01-31T12:00:00+00:00"}
    return {"session_id": "1", "title": "Talk", **times, "messages": list(messages)} | fields


def document(*sessions: Any, **fields: Any) -> dict[str, Any]:
    return {"format": "tether-conversations", "version": 1, "sessions": list(sessions)} | fields


@on_every_database
def test_a_conversation_of_a_file_is_in_the_list_as_it_was(store: Store, tmp_path: Path) -> None:
    talk = session(message("q"), message("a", "q", role="assistant", model="m"), head_id="a", pinned=True)
    report = import_file(store, write_json(tmp_path / "any name", document(talk)))
    (imported,) = report.imported
    assert report.skipped == ()
    assert store.list_sessions() == [imported]
    assert (imported.title, imported.pinned) == ("Talk", True)
    assert imported.created_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    history = store.history(imported.id)
    assert [(record.message.role, record.message.text, record.model) for record in history] == [
        ("user", "q", ""),
        ("assistant", "a", "m"),
    ]
    assert store.tool_rules(imported.id) == {}


@on_every_database
def test_what_is_imported_can_be_searched_and_gone_on_with(store: Store, tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "The albatross sleeps"}]
    report = import_file(store, write_json(tmp_path / "f", document(session(message("q", parts=parts)))))
    (hit,) = store.search_messages("albatross", 10)
    assert hit.session_id == report.imported[0].id
    added = store.add_message(hit.session_id, text_message("assistant", "Truly."), parent_id=hit.message_id)
    assert [record.id for record in store.history(hit.session_id)] == [hit.message_id, added.id]


def test_imported_conversations_stand_in_the_list_by_their_own_times(store: Store, tmp_path: Path) -> None:
    store.create_session("new")
    old = session(title="old", last_active="2020-01-01T00:00:00Z")
    older = session(title="older", session_id="2", last_active="2019-12-31T23:59:59-05:00")
    import_file(store, write_json(tmp_path / "f", document(old, older)))
    assert [each.title for each in store.list_sessions()] == ["new", "older", "old"]


def test_members_of_any_order_and_of_other_programs_do_not_matter(store: Store, tmp_path: Path) -> None:
    talk = session(message("q", mood="good"), colour="red")
    path = write_json(tmp_path / "f", {"sessions": [talk], "a": [1], "version": 1, "format": "tether-conversations"})
    assert len(import_file(store, path).imported) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_that_editors_and_shells_write_are_read(store: Store, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "f"
    path.write_text(json.dumps(document(session(title="Größe 👍")), ensure_ascii=False), encoding=encoding)
    assert [each.title for each in import_file(store, path).imported] == ["Größe 👍"]


def test_importing_twice_adds_nothing_twice(store: Store, tmp_path: Path) -> None:
    path = write_json(tmp_path / "f", document(session(message("q"))))
    (imported,) = import_file(store, path).imported
    before = export_of(store)
    report = import_file(store, path)
    assert report.imported == ()
    assert [(each.title, each.reason) for each in report.skipped] == [("Talk", "It is there already.")]
    store.delete_session(imported.id)
    assert [each.reason for each in import_file(store, path).skipped] == ["It is there, in the bin."]
    store.restore_session(imported.id)
    assert export_of(store) == before


def test_a_conversation_that_was_gone_on_with_is_not_added_again(store: Store, tmp_path: Path) -> None:
    path = write_json(tmp_path / "f", document(session(message("q"), session_id="a" * 32)))
    (imported,) = import_file(store, path).imported
    store.rename_session(imported.id, "Another name")
    store.add_message(imported.id, text_message("user", "more"), parent_id=imported.head_id)
    assert import_file(store, path).imported == ()


@on_every_database
def test_another_conversation_of_the_same_id_gets_another_id_and_that_once(store: Store, tmp_path: Path) -> None:
    first = write_json(tmp_path / "1", document(session(message("b" * 32), session_id="a" * 32)))
    longer = session(message("b" * 32), message("c" * 32, "b" * 32), session_id="a" * 32, head_id="c" * 32)
    second = write_json(tmp_path / "2", document(longer))
    (one,) = import_file(store, first).imported
    (two,) = import_file(store, second).imported
    assert one.id == "a" * 32 != two.id
    assert [record.message.text for record in store.history(two.id)] == ["b" * 32, "c" * 32]
    assert [record.message.text for record in store.history(one.id)] == ["b" * 32]
    assert not {record.id for record in store.history(one.id)} & {record.id for record in store.history(two.id)}
    for path in (first, second):
        assert import_file(store, path).imported == ()


def test_the_same_conversation_twice_in_a_file_is_added_once(store: Store, tmp_path: Path) -> None:
    other = session(message("other"), title="Other")
    report = import_file(
        store, write_json(tmp_path / "f", document(session(message("q")), session(message("q")), other))
    )
    assert [each.title for each in report.imported] == ["Talk", "Other"]
    assert len(report.skipped) == 1


@on_every_database
def test_a_message_that_is_in_another_conversation_already_is_copied(store: Store, tmp_path: Path) -> None:
    shared = message("b" * 32)
    talks = [session(shared, session_id=letter * 32, head_id="b" * 32) for letter in "cd"]
    report = import_file(store, write_json(tmp_path / "f", document(*talks)))
    assert len(report.imported) == 2
    for each in report.imported:
        assert [record.id for record in store.history(each.id)] == [each.head_id]


def test_an_import_allows_no_calls(store: Store, tmp_path: Path) -> None:
    rules = {"run": "always", "weather": "never"}
    (imported,) = import_file(store, write_json(tmp_path / "f", document(session(tool_rules=rules)))).imported
    assert store.tool_rules(imported.id) == {"weather": "never"}


def test_times_that_are_no_order_are_made_one(store: Store, tmp_path: Path) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    talk = session(
        message("answer", "question", created_at=early),
        message("question", created_at=late),
        message("second", "question", created_at=late),
        message("third", "question", created_at=late),
        last_active=early,
        head_id="third",
    )
    (imported,) = import_file(store, write_json(tmp_path / "f", document(talk))).imported
    messages = store.conversation(imported.id).messages
    assert [record.message.text for record in messages] == ["question", "answer", "second", "third"]
    times = [record.created_at for record in messages]
    assert times == sorted(set(times))
    assert imported.last_active == times[-1]


def test_a_head_that_is_not_there_is_the_newest_message(store: Store, tmp_path: Path) -> None:
    talks = [session(message("q"), message("a", "q"), head_id=head) for head in ("nobody", None)]
    for number, talk in enumerate(talks):
        path = write_json(tmp_path / "f", document(talk | {"session_id": str(number), "title": str(number)}))
        report = import_file(store, path)
        for imported in report.imported:
            assert [record.message.text for record in store.history(imported.id)] == ["q", "a"]


def test_a_reply_without_an_ending_was_stopped(store: Store, tmp_path: Path) -> None:
    (imported,) = import_file(
        store, write_json(tmp_path / "f", document(session(message("a", role="assistant"))))
    ).imported
    assert [record.finish_reason for record in store.history(imported.id)] == ["cancelled"]
    assert store.mark_interrupted() == 0


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (None, "The conversation is no JSON object."),
        (session(title=None), "The conversation has a “title” that is not a text."),
        (session(created_at=5), "“created_at” that is not a time"),
        (session(created_at="2026-01-31T12:00:00"), "“created_at” that is not a time with its offset"),
        (session(created_at="9999-12-31T23:59:59.999999Z"), "“created_at” that is not a time"),
        (session(created_at="0001-01-01T00:00:00+14:00"), "“created_at” that is not a time"),
        (session(deleted_at=False), "“deleted_at” that is not a time"),
        (session(session_id=""), "“session_id” that is not a text that is not empty"),
        (session(session_id=["1"]), "“session_id”"),
        (session(pinned=1), "“pinned” that is not true or false"),
        (session(messages={}), "“messages” that is not an array"),
        (session(tool_rules={"a tool": "never"}), "“tool_rules”"),
        (session(tool_rules={"tool": ["never"]}), "“tool_rules”"),
        ({"title": "Talk"}, "The conversation has no “session_id”."),
        (session("hello"), "Message 1 is no JSON object."),
        (session(message("q"), message("q")), "Two of its messages have the same id."),
        (session(message("q", "gone")), "A message follows one that is not there."),
        (session(message("q", "q")), "Its messages follow each other in a circle."),
        (session(message("r"), message("p", "q"), message("q", "p")), "in a circle"),
        (session(message("q", role="root")), "Message 1 has a “role” that is not one of system, user"),
        (session(message("q", role=["user"])), "“role”"),
        (session(message("q", finish_reason="bored")), "“finish_reason”"),
        (session(message("q", tokens=True)), "“tokens” that is not a count, or null"),
        (session(message("q", tokens=2**31)), "“tokens”"),
        (session(message("q", usage={"prompt_tokens": 1})), "“usage” that is not an object of three counts"),
        (session(message("q", timings={"queued_s": -1})), "“timings”"),
        (session(message("q", parts="hello")), "“parts” that is not an array"),
        (session(message("q", parts=["hello"])), "A part of message 1 is of no kind that is known."),
        (session(message("q", parts=[{"type": "hologram"}])), "A part of message 1 is of no kind that is known."),
        (session(message("q", parts=[{"type": ["text"]}])), "of no kind that is known"),
        (session(message("q", parts=[{"type": "text", "text": 5}])), "“text” that is not a text"),
        (session(message("q", parts=[{"type": "text"}])), "A part of message 1 has no “text”."),
        (
            session(message("q", parts=[{"type": "tool_call", "id": "c", "name": "n", "arguments": []}])),
            "“arguments” that is not an object",
        ),
    ],
)
def test_a_conversation_that_is_none_is_left_out_and_the_others_are_not(
    store: Store, tmp_path: Path, broken: Any, reason: str
) -> None:
    good = session(message("fine"), session_id="2", title="Good")
    report = import_file(store, write_json(tmp_path / "f", document(broken, good)))
    assert [each.title for each in report.imported] == ["Good"] == [each.title for each in store.list_sessions()]
    (skipped,) = report.skipped
    assert reason in skipped.reason
    assert skipped.title in {"Talk", "Conversation 1"}


def test_arguments_keep_their_depth_up_to_a_limit(store: Store, tmp_path: Path) -> None:
    def nested(depth: int) -> Any:
        return {"a": nested(depth - 1)} if depth > 1 else {}

    parts = [[{"type": "tool_call", "id": "c", "name": "n", "arguments": nested(depth)}] for depth in (50, 51)]
    talks = [session(message("q", parts=each), session_id=str(number)) for number, each in enumerate(parts)]
    report = import_file(store, write_json(tmp_path / "f", document(*talks)))
    assert len(report.imported) == len(report.skipped) == 1
    (record,) = store.history(report.imported[0].id)
    assert record.message.parts == (ToolCall("c", "n", nested(50)),)


@on_every_database
def test_texts_that_no_database_takes_are_made_storable(store: Store, tmp_path: Path) -> None:
    talk = session(message("q", parts=[{"type": "text", "text": "a\0\ud800"}], error="e\0"), title="t\ud800")
    (imported,) = import_file(store, write_json(tmp_path / "f", document(talk))).imported
    (record,) = store.history(imported.id)
    assert record.message.parts == (Text("a\0\ud800"),)
    assert (imported.title, record.error) == ("t\ufffd", "e\ufffd")


@pytest.mark.parametrize(
    ("content", "said_of_it"),
    [
        (b"", "ends in the middle, or is empty"),
        (b"   \n", "ends in the middle, or is empty"),
        (b"\xef\xbb\xbf", "ends in the middle, or is empty"),
        (b"hello", "is not valid JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "holds no text"),
        ('{"title": "Größe"}'.encode("latin-1"), "holds no text"),
        (bytes(5000), "is not valid JSON"),
        (b"null", "holds no conversations"),
        (b'"' + b"x" * 200_000 + b'"', "holds no conversations"),
        (b"[]", "holds no conversations"),
        (b"{}", "holds no conversations"),
        (b'[{"role": "user", "content": "hi"}]', "holds no conversations"),
        (b'{"sessions": []}', "holds no conversations"),
        (b'{"format": "tether-conversations", "sessions": []}', "holds no conversations"),
        (b'{"format": "tether-conversations", "version": true, "sessions": []}', "holds no conversations"),
        (b'{"format": "tether-conversations", "version": 0, "sessions": []}', "holds no conversations"),
        (b'{"format": "tether-conversations", "version": 1}', "holds no conversations"),
        (b'{"format": "tether-conversations", "version": 1, "sessions": 5}', "holds no conversations"),
        (b'{"format": "tether-conversations", "version": 2, "sessions": []}', "written by a newer Tether"),
        (b'{"format": "tether-conversations", "version": 1, "sessions": [}', "is not valid JSON"),
        (b'{"format": "tether-conversations", "version": 1, "sessions": [] ]', "is not valid JSON"),
        (b'{"format": "tether-conversations", "version": 1, "sessions": []} {}', "is not valid JSON"),
        (b"{format: 1}", "is not valid JSON"),
        (b'[{"mapping": {}}, 1e999]', "is not valid JSON"),
        (b'[{"mapping": {}}, NaN]', "is not valid JSON"),
        (b'[{"mapping": {}}, ' + b"9" * 5000 + b"]", "is not valid JSON"),
        (b'[{"mapping": {}} {"mapping": {}}]', "is not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"[" + b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_none_says_so_and_adds_nothing(
    store: Store, tmp_path: Path, content: bytes, said_of_it: str
) -> None:
    path = tmp_path / "chosen.json"
    path.write_bytes(content)
    with pytest.raises(ImportProblem) as problem:
        import_file(store, path)
    assert problem.value.message.startswith("The file ")
    assert said_of_it in problem.value.message
    assert problem.value.hint
    assert store.list_sessions() == []


def test_a_file_that_is_cut_off_anywhere_adds_nothing(store: Store, tmp_path: Path) -> None:
    whole = json.dumps(document(session(message("q", tokens=12), title="a\\b\u00e9\U0001f600"))).encode()
    path = tmp_path / "f"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ImportProblem, match="ends in the middle"):
            import_file(store, path)
    assert store.list_sessions() == []


def test_what_is_no_file_says_so(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="is no file"):
        import_file(store, tmp_path)
    for nowhere in ("gone", "a\0b"):
        with pytest.raises(ImportProblem, match="cannot be read"):
            import_file(store, tmp_path / nowhere)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ImportProblem, match="is no file"):
            import_file(store, tmp_path / "pipe")


def test_a_file_larger_than_what_is_read_at_once_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", 7)
    talks = [session(message("ä" * 50, tokens=10**6), session_id=str(number), title=str(number)) for number in range(9)]
    path = tmp_path / "f"
    path.write_text(json.dumps(document(*talks), ensure_ascii=False, indent=5), encoding="utf-8")
    assert [each.title for each in import_file(store, path).imported] == [str(number) for number in range(9)]


def test_a_conversation_that_does_not_fit_in_memory_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "LONGEST_VALUE", 1_000_000)
    small = session(message("q"))
    large = session(message("x" * 1_200_000))
    with pytest.raises(ImportProblem, match="a conversation of more than 1 million characters"):
        import_file(store, write_json(tmp_path / "f", document(small, large)))
    assert store.list_sessions() == []
    many = [session(message("x" * 100_000), session_id=str(number), title=str(number)) for number in range(20)]
    assert len(import_file(store, write_json(tmp_path / "f", document(*many))).imported) == 20


def test_a_full_disk_keeps_the_conversations_before_it_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = store.add_conversation

    def add_one(conversation: Any) -> Any:
        if conversation.session.title == "second":
            raise StoreFull("full", "full")
        return add(conversation)

    talks = [session(message("q"), session_id=title, title=title) for title in ("first", "second", "third")]
    path = write_json(tmp_path / "f", document(*talks))
    monkeypatch.setattr(store, "add_conversation", add_one)
    with pytest.raises(StoreFull):
        import_file(store, path)
    assert [each.title for each in store.list_sessions()] == ["first"]
    monkeypatch.undo()
    report = import_file(store, path)
    assert ([each.title for each in report.imported], len(report.skipped)) == (["second", "third"], 1)


def test_a_conversation_whose_storing_fails_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreFull("full", "full")

    monkeypatch.setattr("tether_desktop.context.files.transfer_queries.index_messages", fail)
    with pytest.raises(StoreFull):
        import_file(store, write_json(tmp_path / "f", document(session(message("q")))))
    assert store.list_sessions() == []


def test_chatgpts_file_is_recognised_whatever_its_name(store: Store, tmp_path: Path) -> None:
    report = import_file(store, write_json(tmp_path / "export of tether.json", [plain_talk()]))
    assert [each.title for each in report.imported] == ["A talk"]
    assert len(import_file(store, write_json(tmp_path / "f", [plain_talk()])).skipped) == 1


def test_a_single_conversation_of_chatgpts_is_taken_too(store: Store, tmp_path: Path) -> None:
    report = import_file(store, write_json(tmp_path / "f", plain_talk()))
    assert [record.message.text for record in store.history(report.imported[0].id)] == [
        "Why is the sky blue?",
        "Because of scattering.",
    ]


def test_what_is_no_conversation_among_chatgpts_is_left_out(store: Store, tmp_path: Path) -> None:
    others = [None, {"title": "No tree"}, {"title": "List", "mapping": []}]
    report = import_file(store, write_json(tmp_path / "f", [*others, plain_talk()]))
    assert [each.title for each in report.imported] == ["A talk"]
    assert [each.title for each in report.skipped] == ["Conversation 1", "No tree", "List"]
    assert {each.reason for each in report.skipped} == {"It is no conversation."}


def other_talk(title: str, conversation_id: str) -> dict[str, Any]:
    return chatgpt_conversation(said("q", None, "user", title), title=title, conversation_id=conversation_id)


def test_the_zip_file_of_chatgpts_export_is_read(store: Store, tmp_path: Path) -> None:
    members = {
        "chat.html": "<html>",
        "user.json": {"id": "user-1"},
        "message_feedback.json": [],
        "conversations.json": [plain_talk()],
    }
    report = import_file(store, write_zip(tmp_path / "f", members))
    assert [each.title for each in report.imported] == ["A talk"]


def test_an_export_in_several_files_is_read_in_their_order(store: Store, tmp_path: Path) -> None:
    members = {
        "export/conversations-001.json": [other_talk("second", "2")],
        "export/conversations-000.json": [other_talk("first", "1"), plain_talk()],
        "export/shared_conversations.json": [],
    }
    report = import_file(store, write_zip(tmp_path / "f", members))
    assert [each.title for each in report.imported] == ["first", "A talk", "second"]


def test_an_export_of_ours_may_be_packed_too(store: Store, tmp_path: Path) -> None:
    report = import_file(store, write_zip(tmp_path / "f", {"My chats.json": document(session(message("q")))}))
    assert [each.title for each in report.imported] == ["Talk"]


def encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)


def packed_unknown(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(mark) + offset] = 99
    path.write_bytes(content)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize("damage", [encrypted, packed_unknown, damaged, cut])
def test_a_zip_file_that_cannot_be_unpacked_says_so(
    store: Store, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = write_zip(tmp_path / "f.zip", {"conversations.json": [plain_talk()]})
    damage(path)
    with pytest.raises(ImportProblem, match="is a damaged or encrypted zip file"):
        import_file(store, path)
    assert store.list_sessions() == []


@pytest.mark.parametrize("members", [{"a.txt": "hi"}, {"a.json": [], "b.json": []}])
def test_a_zip_file_of_something_else_says_so(store: Store, tmp_path: Path, members: dict[str, Any]) -> None:
    with pytest.raises(ImportProblem, match="holds no conversations"):
        import_file(store, write_zip(tmp_path / "f.zip", members))


def test_a_zip_file_of_which_one_part_is_broken_adds_nothing(store: Store, tmp_path: Path) -> None:
    members = {"conversations-000.json": [plain_talk()], "conversations-001.json": '[{"mapping": {}'}
    with pytest.raises(ImportProblem, match="ends in the middle"):
        import_file(store, write_zip(tmp_path / "f.zip", members))
    assert store.list_sessions() == []


def test_a_zip_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conversations.json", "w") as member,
    ):
        for _ in range(65):
            member.write(b" " * (1 << 20))
    with pytest.raises(ImportProblem, match="would unpack to far more"):
        import_file(store, path)


def test_a_zip_file_of_too_much_in_all_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_source, "LARGEST_ARCHIVE", 100)
    with pytest.raises(ImportProblem, match="would unpack to far more"):
        import_file(store, write_zip(tmp_path / "f.zip", {"conversations.json": [plain_talk()]}))
