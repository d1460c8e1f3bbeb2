"""Whatever file is imported: conversations as a whole or a reason, and a store that holds together."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.helpers.conversation_files import chatgpt_conversation, export_of, plain_talk, said, write_json
from tests.helpers.hostile_files import Change, byte_changes, json_changes
from tether_desktop import paths
from tether_desktop.context.files.exports import markdown_of, write_export
from tether_desktop.context.files.imports import ImportReport, import_file
from tether_desktop.context.store import Store
from tether_desktop.errors import ImportProblem
from tether_desktop.messages import Message, Reasoning, Text, Timings, ToolCall, ToolResult, Usage, text_message

PYTHONS_WORDS = ("Traceback", "object has no", "not supported between", "NoneType", "<class", "Errno", "codec")
validator = Draft202012Validator(
    json.loads((paths.resources_dir() / "conversations.schema.json").read_text(encoding="utf-8"))
)


def hostile(examples: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(derandomize=True, deadline=None, max_examples=examples, suppress_health_check=slow)


@contextmanager
def empty_store() -> Iterator[Store]:
    with closing(Store("sqlite://")) as store:
        yield store


def exported() -> bytes:
    """An export of two conversations that has every field, and something in it."""
    with empty_store() as store:
        for title in ("Weather", "Other"):
            session = store.create_session(title, "small-model")
            question = store.add_message(session.id, text_message("user", "Rain in Zürich?"), parent_id=None)
            for text in ("No.", "Yes."):
                reply = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="m")
                parts = (Reasoning("Hm.", "pre_tool", 1.5), ToolCall("c", "weather", {"days": [1, {"a": 2}]}))
                message = Message("assistant", (*parts, ToolResult("c", "weather", "rain"), Text(text)))
                costs = Usage(10, 4, 3), Timings(0.1, 0.2, 0.3, 0.4)
                store.update_reply(reply.id, message, finish_reason="stop", usage=costs[0], timings=costs[1])
                store.set_tokens(reply.id, 2)
            store.set_tool_rule(session.id, "weather", "never")
        store.delete_session(session.id)
        file = io.BytesIO()
        write_export(store, file, None)
        return file.getvalue()


def of_chatgpt() -> bytes:
    """ChatGPT's export of a conversation with all kinds of content, and of a plain one."""
    image = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Hm", "content": "So."}]}
    recap = {"content_type": "reasoning_recap", "content": "Thought for 1m 5s"}
    code = {"content_type": "code", "language": "python", "text": "print()"}
    output = {"content_type": "execution_output", "text": "42"}
    quote = {"content_type": "tether_quote", "title": "T", "url": "https://a", "text": "says"}
    asked = {"metadata": {"attachments": [{"name": "a.pdf", "mime_type": "application/pdf"}]}}
    cited = "\ue200cite\ue202turn0search1\ue201"
    references = {"metadata": {"content_references": [{"matched_text": cited, "alt": "(a)"}], "model_slug": "o3"}}
    rich = chatgpt_conversation(
        said("s", None, "system", "", metadata={"is_visually_hidden_from_conversation": True}),
        said("q", "s", "user", content={"content_type": "multimodal_text", "parts": [image, "Look"]}, **asked),
        said("t", "q", "assistant", content=thoughts),
        said("r", "t", "assistant", content=recap, metadata={"finished_duration_sec": 65}),
        said("c", "r", "assistant", content=code, recipient="python"),
        said("o", "c", "tool", content=output, author={"role": "tool", "name": "python"}),
        said("b", "o", "assistant", '{"q": "x"}', recipient="browser"),
        said("w", "b", "tool", content=quote),
        said("a", "w", "assistant", f"It is 42{cited}.", **references),
        said("a2", "q", "assistant", "Another answer."),
        title="Everything",
        conversation_id="b" * 32,
    )
    return json.dumps([rich, plain_talk()]).encode()


def zipped(content: bytes) -> bytes:
    """The export as it is downloaded."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.html", "<html></html>")
        archive.writestr("conversations.json", content)
    return file.getvalue()


EXPORTED, OF_CHATGPT = exported(), of_chatgpt()
ZIPPED = zipped(OF_CHATGPT)


def check_whole(store: Store, report: ImportReport) -> None:
    """Everything that was imported is there, can be shown, found, gone on with, and exported as it is described."""
    listed = store.list_sessions() + store.list_sessions(deleted=True)
    assert {session.id for session in listed} == {session.id for session in report.imported}
    for session in listed:
        conversation = store.conversation(session.id)
        times = [record.created_at for record in conversation.messages]
        assert times == sorted(set(times))
        assert not times or times[-1] <= session.last_active
        history = store.history(session.id)
        assert bool(history) == bool(conversation.messages)
        assert [record.id for record in history][-1:] == ([session.head_id] if session.head_id else [])
        markdown_of(session, history).encode()
        store.add_message(session.id, text_message("user", "Go on"), parent_id=session.head_id)
    for skipped in report.skipped:
        assert skipped.title
        assert skipped.reason
        assert not [word for word in PYTHONS_WORDS if word in skipped.reason]


def what_came_of(store: Store, path: Path) -> ImportReport | ImportProblem:
    try:
        return import_file(store, path)
    except ImportProblem as problem:
        return problem


def check_import(content: bytes) -> ImportReport | None:
    """Import what may be anything into an empty store: what came of it, None when nothing could."""
    with empty_store() as store, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        report = what_came_of(store, path)
        if isinstance(report, ImportProblem):
            assert report.title
            assert report.hint
            assert not [word for word in PYTHONS_WORDS if word in report.message]
            assert store.list_sessions() + store.list_sessions(deleted=True) == []
            return None
        before = export_of(store)
        assert import_file(store, path).imported == ()
        assert export_of(store) == before
        validator.validate(before)
        check_whole(store, report)
        return report


@pytest.mark.parametrize("content", [EXPORTED, OF_CHATGPT, ZIPPED])
def test_the_files_that_are_changed_here_can_be_imported_unchanged(content: bytes) -> None:
    report = check_import(content)
    assert report is not None
    assert (len(report.imported), report.skipped) == (2, ())


@hostile(40)
@given(json_changes())
def test_a_changed_export_is_imported_whole_or_not_at_all(change: Change) -> None:
    changed = change(EXPORTED)
    report = check_import(changed)
    if report is not None:
        assert len(report.imported) + len(report.skipped) == len(json.loads(changed)["sessions"])


@hostile(40)
@given(json_changes())
def test_a_changed_export_of_chatgpts_is_imported_whole_or_not_at_all(change: Change) -> None:
    check_import(change(OF_CHATGPT))


@hostile(30)
@given(st.sampled_from((EXPORTED, OF_CHATGPT)), st.data())
def test_damaged_bytes_are_told_of(content: bytes, data: st.DataObject) -> None:
    check_import(data.draw(byte_changes(len(content)))(content))


@hostile(40)
@given(byte_changes(len(ZIPPED)))
def test_a_damaged_zip_file_is_told_of(change: Change) -> None:
    check_import(change(ZIPPED))


@hostile(40)
@given(
    st.binary(max_size=60), st.sampled_from((b"", b"PK\x03\x04", b"[", b'{"mapping":', b"\xff\xfe", b"\xef\xbb\xbf"))
)
def test_bytes_of_any_kind_are_told_of(noise: bytes, beginning: bytes) -> None:
    check_import(beginning + noise)


def deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_depth_anywhere_in_chatgpts_export_is_harmless() -> None:
    talks = []
    for depth in (10, 60, 300):
        talk = plain_talk()
        node = talk["mapping"]["a"]
        for fields in (talk, node, node["message"], node["message"]["content"], node["message"]["author"]):
            for name in sorted(fields.keys() - {"mapping", "message"}):
                kept, fields[name] = fields[name], deep(depth)
                talks.append(json.loads(json.dumps(talk)))
                fields[name] = kept
    report = check_import(json.dumps(talks).encode())
    assert report is not None
    assert len(report.imported) + len(report.skipped) == len(talks)


def test_a_tree_of_one_long_branch_takes_its_time_and_no_more() -> None:
    places = [said("0", None, "user", "x")]
    places += [said(str(number), str(number - 1), "user", "x") for number in range(1, 2000)]
    with empty_store() as store, tempfile.TemporaryDirectory() as folder:
        path = write_json(Path(folder) / "file", chatgpt_conversation(*places))
        (session,) = import_file(store, path).imported
        assert len(store.history(session.id)) == 2000
