"""`tether sessions` over a real database: every command, what it prints, and what it refuses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_desktop.app import lock_data_folder
from tether_desktop.cli import main
from tether_desktop.cli.search_hits import print_hit
from tether_desktop.context.records import SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.messages import Attachment, Message, Reasoning, Text, text_message
from tether_desktop.settings import load_settings

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No log handler stays behind."""
    monkeypatch.setattr(main, "start_logging", lambda: None)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(load_settings().database_url)
    yield store
    store.close()


def talk(store: Store, title: str, question: str = "Where is the bread?") -> SessionRecord:
    session = store.create_session(title)
    asked = store.add_message(session.id, text_message("user", question), parent_id=None)
    reply = Message("assistant", (Reasoning("Hm."), Text("In the kitchen.")))
    store.add_message(session.id, reply, parent_id=asked.id, model="Scripted", finish_reason="stop")
    return store.get_session(session.id)


def tether(*arguments: str) -> int:
    return main.run(["sessions", *arguments])


def printed_json(capture: Capture) -> Any:
    return json.loads(capture.readouterr().out)


def test_long_lists_come_in_pages(store: Store, capsys: Capture) -> None:
    made = [store.create_session(f"Number {number}").id for number in range(5)]
    assert tether("list", "-n", "2") == 0
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 3
    assert "--offset 2" in output.err
    listed = []
    for offset in ("0", "2", "4"):
        tether("list", "--limit", "2", "--offset", offset, "--json")
        listed += [each["session_id"] for each in printed_json(capsys)]
    assert sorted(listed) == sorted(made)
    tether("list", "--offset", "9")
    assert "no further ones" in capsys.readouterr().err


def test_words_that_were_found_are_marked(store: Store, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    session = talk(store, "Kitchen")
    assert tether("search", "bread") == 0
    assert capsys.readouterr().out.splitlines()[1] == "  Where is the bread?"
    tether("search", "bread", "--json")
    (hit,) = printed_json(capsys)
    assert hit["session_id"] == session.id
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    (found,) = store.search_messages("bread", 5)
    print_hit(found)
    assert "Where is the \x1b[1mbread\x1b[0m?" in capsys.readouterr().out
    assert tether("search", "nothing-of-it") == 0
    assert "Nothing was found." in capsys.readouterr().err


def test_a_conversation_is_renamed_pinned_and_copied(store: Store, capsys: Capture) -> None:
    session = talk(store, "Kitchen")
    assert tether("rename", session.id[:8], "  Bread ") == 0
    assert tether("pin", session.id[:8]) == 0
    assert (store.get_session(session.id).title, store.get_session(session.id).pinned) == ("Bread", True)
    tether("list")
    assert "* Bread" in capsys.readouterr().out
    assert tether("unpin", session.id) == 0
    assert not store.get_session(session.id).pinned
    capsys.readouterr()
    assert tether("branch", session.id, store.history(session.id)[0].id) == 0
    copy = capsys.readouterr().out.strip()
    assert [record.message.text for record in store.history(copy)] == ["Where is the bread?"]


def test_the_archive_is_listed_by_itself(store: Store, capsys: Capture) -> None:
    kitchen, garden = talk(store, "Kitchen"), talk(store, "Garden")
    assert tether("archive", kitchen.id[:8]) == 0
    assert store.get_session(kitchen.id).archived
    capsys.readouterr()
    assert tether("list") == tether("list", "--archived") == 0
    listed, archived = capsys.readouterr().out.split("SESSION")[1:]
    assert ("Garden" in listed, "Kitchen" in listed) == (True, False)
    assert ("Garden" in archived, "Kitchen" in archived) == (False, True)
    assert tether("list", "--archived", "--deleted") == 2
    assert tether("unarchive", kitchen.id) == 0
    assert {session.id for session in store.list_sessions(archived=False)} == {kitchen.id, garden.id}
    capsys.readouterr()
    assert tether("list", "--archived") == 0
    assert "The archive is empty." in capsys.readouterr().err


def test_the_files_of_a_question_are_named_where_it_is_shown(store: Store, capsys: Capture) -> None:
    session = store.create_session()
    asked = Message("user", (Attachment("notes.md", "# Bread"), Text("Sum it up.")))
    store.add_message(session.id, asked, parent_id=None)
    assert tether("show", session.id) == 0
    assert capsys.readouterr().out == "You:\n[notes.md]\nSum it up.\n\n"
    assert tether("search", "bread") == 0
    heading, excerpt = capsys.readouterr().out.splitlines()
    assert heading.endswith("  [notes.md]")
    assert "# Bread" in excerpt


def test_what_is_exported_is_imported_the_same(store: Store, tmp_path: Path, capsys: Capture) -> None:
    kept, other = talk(store, "Kitchen"), talk(store, "Other")
    file = tmp_path / "all.json"
    assert tether("export", "--all", "-o", str(file)) == 0
    for session in (kept, other):
        assert tether("erase", session.id, "-y") == 0
    assert store.list_sessions() == []
    capsys.readouterr()
    assert tether("import", str(file), "--json") == 0
    report = printed_json(capsys)
    assert {each["title"] for each in report["imported"]} == {"Kitchen", "Other"}
    assert report["skipped"] == []
    assert tether("import", str(file)) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("0 imported, 2 skipped")


def test_one_conversation_is_exported_for_people_and_for_programs(
    store: Store, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = talk(store, "Kitchen")
    assert tether("export", session.id[:8], "--format", "markdown") == 0
    assert "In the kitchen." in capsys.readouterr().out
    assert tether("export", session.id[:8]) == 0
    assert len(printed_json(capsys)["sessions"]) == 1
    file = tmp_path / "mine.md"
    file.write_text("mine", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert tether("export", session.id, "-o", str(file)) == 1
    assert "Aborted" in capsys.readouterr().err
    assert file.read_text("utf-8") == "mine"
    assert tether("export", session.id, "-o", str(file), "--format", "markdown", "--yes") == 0
    assert "In the kitchen." in file.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.md"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["export"], 2), (["export", "ab", "--all"], 2), (["export", "--all", "--format", "markdown"], 2)],
)
def test_an_export_names_what_it_is_of(arguments: list[str], code: int) -> None:
    assert tether(*arguments) == code


def test_what_cannot_be_written_or_read_is_told_and_leaves_nothing(
    store: Store, tmp_path: Path, capsys: Capture
) -> None:
    session = talk(store, "Kitchen")
    assert tether("export", session.id, "-o", str(tmp_path / "none" / "x.json")) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert tether("export", "nowhere", "-o", str(tmp_path / "x.json")) == 1
    (tmp_path / "broken.json").write_text("{", "utf-8")
    assert tether("import", str(tmp_path / "broken.json")) == 1
    assert tether("import", str(tmp_path / "none.json")) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["broken.json"]
    assert [each.id for each in store.list_sessions()] == [session.id]


def test_what_is_deleted_can_be_restored_and_what_is_erased_cannot(
    store: Store, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = talk(store, "Kitchen")
    assert tether("delete", session.id[:8]) == 0
    assert store.list_sessions() == []
    assert tether("restore", session.id[:8]) == 0
    assert [each.id for each in store.list_sessions()] == [session.id]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\nn\n"))
    assert tether("erase", session.id) == 1
    assert tether("delete", session.id, "--erase") == 1
    assert capsys.readouterr().err.count("Aborted") == 2
    assert [each.id for each in store.list_sessions()] == [session.id]
    assert tether("delete", session.id, "--erase", "--yes") == 0
    assert store.list_sessions() == store.list_sessions(deleted=True) == []
    assert "is erased" in capsys.readouterr().err


def test_beside_a_program_whose_port_is_closed_one_can_read_and_change_nothing(store: Store, capsys: Capture) -> None:
    session = talk(store, "Kitchen")
    with lock_data_folder():
        for reading in (["list"], ["show", session.id], ["search", "bread"], ["export", session.id]):
            assert tether(*reading) == 0
        capsys.readouterr()
        for changing in (["rename", session.id, "x"], ["pin", session.id], ["delete", session.id]):
            assert tether(*changing) == 1
        assert tether("erase", session.id, "-y") == 1
    told = capsys.readouterr().err
    assert told.count("Tether is already running.") == 4
    assert "TETHER_SERVE=on" in told
    assert store.get_session(session.id) == session
