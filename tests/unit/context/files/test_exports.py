"""Exports: all there is, in a format that is described, and back again without loss."""

from __future__ import annotations

import io
import json
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.helpers.conversation_files import History, export_of, histories, make_session, write_json
from tether_desktop import paths
from tether_desktop.context.files.exports import write_export
from tether_desktop.context.files.imports import import_file
from tether_desktop.context.store import Store
from tether_desktop.errors import SessionNotFound
from tether_desktop.messages import (
    Attachment,
    Message,
    Reasoning,
    Text,
    Timings,
    ToolCall,
    ToolResult,
    Usage,
    text_message,
)

SCHEMA = json.loads((paths.resources_dir() / "conversations.schema.json").read_text(encoding="utf-8"))
validator = Draft202012Validator(SCHEMA)
some_examples = settings(derandomize=True, deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def another_store() -> Iterator[Store]:
    with closing(Store("sqlite://")) as store:
        yield store


def rich_session(store: Store) -> str:
    """A session with two answers to a question, thoughts, and a call of a tool."""
    session = store.create_session("Weather", "small-model")
    store.configure_session(session.id, {"temperature": 0.2}, "Forecaster")
    store.move_sessions([session.id], store.create_folder("Outdoors").id)
    store.archive_session(session.id, archived=True)
    asked = Message("user", (Attachment("map.md", "# Zürich", "text/markdown", 9), Text("Rain?")))
    question = store.add_message(session.id, asked, parent_id=None)
    first = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="small-model")
    parts = (
        Reasoning("I must ask.", "pre_tool", 1.5),
        ToolCall("c1", "weather", {"city": "Zürich"}),
        ToolResult("c1", "weather", "no such place", is_error=True),
        Text("No."),
    )
    store.update_reply(
        first.id,
        Message("assistant", parts),
        finish_reason="length",
        usage=Usage(10, 4, 3),
        timings=Timings(0.1, 0.2, 0.3, 0.4),
    )
    store.set_tokens(first.id, 2)
    second = store.add_message(session.id, Message("assistant"), parent_id=question.id, model="small-model")
    store.update_reply(second.id, text_message("assistant", "Yes."), finish_reason="error", error="It broke.")
    store.select_version(session.id, first.id)
    return session.id


def test_an_export_has_all_versions_of_all_messages(store: Store) -> None:
    session_id = rich_session(store)
    (session,) = export_of(store)["sessions"]
    assert (session["session_id"], session["title"], session["model"]) == (session_id, "Weather", "small-model")
    question, first, second = session["messages"]
    assert session["head_id"] == first["id"]
    assert [message["content"] for message in session["messages"]] == ["Rain?", "No.", "Yes."]
    assert first["parent_id"] == second["parent_id"] == question["id"]
    assert [part["type"] for part in first["parts"]] == ["reasoning", "tool_call", "tool_result", "text"]
    assert first["usage"] == {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 3}
    assert first["timings"] == {"queued_s": 0.1, "prefill_s": 0.2, "first_token_s": 0.3, "decode_s": 0.4}
    assert (first["tokens"], first["version"], first["versions"]) == (2, 1, 2)
    assert (second["finish_reason"], second["error"], second["version"]) == ("error", "It broke.", 2)


def test_an_export_has_where_a_session_lies_and_what_holds_in_it(store: Store) -> None:
    rich_session(store)
    (session,) = export_of(store)["sessions"]
    assert (session["archived"], session["folder"], session["persona"]) == (True, "Outdoors", "Forecaster")
    assert session["overrides"] == {"temperature": 0.2}
    assert "folder_id" not in session
    file = {"type": "attachment", "name": "map.md", "text": "# Zürich", "media_type": "text/markdown", "size": 9}
    assert session["messages"][0]["parts"][0] == file


@pytest.mark.parametrize(("name", "folders"), [("WORK", ["Work"]), ("Play", ["Play", "Work"]), ("\u200b", ["Work"])])
def test_an_imported_session_lies_in_the_folder_of_that_name(
    store: Store, tmp_path: Path, name: str, folders: list[str]
) -> None:
    store.create_folder("Work")
    session = store.create_session("Moved")
    document = export_of(store)
    document["sessions"][0]["folder"] = name
    store.erase_session(session.id)
    (imported,) = import_file(store, write_json(tmp_path / "export.json", document)).imported
    assert [folder.name for folder in store.list_folders()] == folders
    named = {folder.id: folder.name for folder in store.list_folders()}
    assert named.get(imported.folder_id or "", "").casefold() == name.strip("\u200b").casefold()


def test_an_export_of_a_program_that_knew_no_folders_is_imported(store: Store, tmp_path: Path) -> None:
    session_id = rich_session(store)
    document = export_of(store)
    (session,) = document["sessions"]
    for name in ("archived", "folder", "unread", "persona", "overrides"):
        del session[name]
    store.erase_session(session_id)
    (imported,) = import_file(store, write_json(tmp_path / "export.json", document)).imported
    assert (imported.archived, imported.folder_id, imported.unread, imported.persona) == (False, None, False, "")
    assert imported.overrides == {}


def test_an_export_says_what_it_is_and_when_it_was_made(store: Store) -> None:
    file = io.BytesIO()
    write_export(store, file, None)
    document = json.loads(file.getvalue())
    assert (document["format"], document["version"], document["sessions"]) == ("tether-conversations", 1, [])
    assert document["program"].startswith("Tether Desktop ")
    assert document["exported_at"].endswith("+00:00")
    validator.validate(document)


def test_the_bin_is_exported_after_the_list_which_begins_with_the_last_active(store: Store) -> None:
    first, second, third = (store.create_session(title) for title in "abc")
    store.delete_session(third.id)
    assert [session["title"] for session in export_of(store)["sessions"]] == ["b", "a", "c"]
    chosen = [first.id, third.id, first.id]
    assert [session["title"] for session in export_of(store, chosen)["sessions"]] == ["a", "c"]
    assert export_of(store, [])["sessions"] == []
    assert second.id not in json.dumps(export_of(store, chosen))


def test_nothing_is_written_when_one_of_the_sessions_is_not_there(store: Store) -> None:
    session, file = store.create_session(), io.BytesIO()
    with pytest.raises(SessionNotFound):
        write_export(store, file, [session.id, "nobody"])
    assert file.getvalue() == b""


def test_a_session_that_is_erased_during_the_export_is_left_out(store: Store) -> None:
    kept, erased = store.create_session("kept"), store.create_session("erased")

    class ErasingFile(io.BytesIO):
        def write(self, data: Any) -> int:
            if erased.id in {session.id for session in store.list_sessions()}:
                store.erase_session(erased.id)
            return super().write(data)

    file = ErasingFile()
    write_export(store, file, None)
    assert [session["session_id"] for session in json.loads(file.getvalue())["sessions"]] == [kept.id]


def test_a_reply_that_is_being_written_is_exported_as_one_that_was_stopped(store: Store) -> None:
    session = store.create_session()
    question = store.add_message(session.id, text_message("user", "q"), parent_id=None)
    reply = store.add_message(session.id, text_message("assistant", "so f"), parent_id=question.id)
    _, exported = export_of(store)["sessions"][0]["messages"]
    assert (exported["content"], exported["finish_reason"]) == ("so f", "cancelled")
    assert store.get_message(session.id, reply.id).finish_reason is None


def test_an_export_holds_together_while_replies_are_written(store: Store) -> None:
    session, is_over = store.create_session(), threading.Event()

    def talk() -> None:
        head = None
        while not is_over.is_set():
            question = store.add_message(session.id, text_message("user", "q"), parent_id=head)
            head = store.add_message(session.id, Message("assistant"), parent_id=question.id).id
            store.update_reply(head, text_message("assistant", "a"), finish_reason="stop")

    with ThreadPoolExecutor() as threads:
        talking = threads.submit(talk)
        try:
            for _ in range(10):
                (exported,) = export_of(store)["sessions"]
                ids = [message["id"] for message in exported["messages"]]
                assert exported["head_id"] == (ids[-1] if ids else None)
                assert {message["parent_id"] for message in exported["messages"]} <= {None, *ids}
        finally:
            is_over.set()
        talking.result()


def test_only_one_session_is_read_at_a_time(store: Store) -> None:
    for title in "abc":
        store.create_session(title)
    events: list[str] = []

    class Watched(io.BytesIO):
        def write(self, data: Any) -> int:
            events.append("written")
            return super().write(data)

    read = store.conversation
    store.conversation = lambda session_id: events.append("read") or read(session_id)  # type: ignore[method-assign,func-returns-value]
    write_export(store, Watched(), None)
    between = "".join(event[0] for event in events).split("r")[1:]
    assert len(between) == 3
    assert all(between)


def test_what_is_always_allowed_does_not_leave_the_machine(store: Store) -> None:
    session = store.create_session()
    store.set_tool_rule(session.id, "run", "always")
    store.set_tool_rule(session.id, "weather", "never")
    assert export_of(store)["sessions"][0]["tool_rules"] == {"weather": "never"}


def test_exports_of_rich_sessions_are_as_the_schema_says(store: Store) -> None:
    rich_session(store)
    file = io.BytesIO()
    write_export(store, file, None)
    Draft202012Validator.check_schema(SCHEMA)
    validator.validate(json.loads(file.getvalue()))


def test_the_schema_describes_each_field_that_is_exported(store: Store) -> None:
    rich_session(store)
    (session,) = export_of(store)["sessions"]
    described = SCHEMA["$defs"]
    assert session.keys() | {"tool_rules"} == described["session"]["properties"].keys()
    for message in session["messages"]:
        assert message.keys() == described["message"]["properties"].keys()
        for part in message["parts"]:
            assert part.keys() == described[part["type"]]["properties"].keys()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_a_history_moves_from_one_database_to_another_and_back(store: Store, tmp_path: Path) -> None:
    session_id = rich_session(store)
    document = export_of(store)
    path = write_json(tmp_path / "export.json", document)
    with another_store() as other:
        import_file(other, path)
        assert export_of(other) == document
    store.erase_session(session_id)
    import_file(store, path)
    assert export_of(store) == document
    assert [folder.name for folder in store.list_folders()] == ["Outdoors"]


@some_examples
@given(st.lists(histories(), max_size=3))
def test_what_was_exported_comes_back_without_loss(made: list[History]) -> None:
    with another_store() as first, another_store() as second, tempfile.TemporaryDirectory() as folder:
        for history in made:
            make_session(first, history)
        document = export_of(first)
        report = import_file(second, write_json(Path(folder) / "export.json", document))
        assert report.skipped == ()
        assert export_of(second) == document
        validator.validate(document | {"exported_at": "2026-01-31T12:00:00+00:00"})
        again = import_file(second, Path(folder) / "export.json")
        assert (again.imported, len(again.skipped)) == ((), len(made))
        assert export_of(second) == document


@some_examples
@given(histories())
def test_the_very_bytes_of_an_export_can_be_imported(history: History) -> None:
    with another_store() as first, another_store() as second, tempfile.TemporaryDirectory() as folder:
        make_session(first, history)
        path = Path(folder) / "export.json"
        with path.open("wb") as file:
            write_export(first, file, None)
        import_file(second, path)
        assert export_of(second) == export_of(first)


def test_the_example_of_the_guide_is_a_file_that_can_be_imported(store: Store, tmp_path: Path) -> None:
    guide = (paths.project_root() / "docs" / "conversation-files.md").read_text(encoding="utf-8")
    example = json.loads(guide.split("```json\n")[1].split("```")[0])
    validator.validate(example)
    (session,) = import_file(store, write_json(tmp_path / "example", example)).imported
    assert [record.message.text for record in store.history(session.id)] == ["Does it rain?", "Yes."]
    (exported,) = export_of(store)["sessions"]
    for name in example["sessions"][0].keys() - {"messages"}:
        assert exported[name] == example["sessions"][0][name]
