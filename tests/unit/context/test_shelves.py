"""The archive, folders, personas, saved prompts and drafts, in both kinds of database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update

from tether_desktop.context.records import Draft, Persona, QueuedQuestion, Snippet
from tether_desktop.context.shelves import LONGEST_NAME
from tether_desktop.context.store import Store
from tether_desktop.context.tables import DraftTable, PersonaTable, SessionTable
from tether_desktop.errors import (
    FolderNotFound,
    NameTaken,
    NameUnfit,
    PersonaNotFound,
    SessionNotFound,
    SnippetNotFound,
    TetherError,
)
from tether_desktop.messages import Attachment, text_message

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)


def titles(store: Store, **which: bool) -> list[str]:
    return [session.title for session in store.list_sessions(**which)]


def test_archived_sessions_and_the_others_are_listed_apart(store: Store) -> None:
    for title in ("one", "two", "three"):
        store.create_session(title)
    archived = store.archive_session(store.list_sessions()[1].id, archived=True)
    assert (archived.title, archived.archived) == ("two", True)
    assert titles(store, archived=False) == ["three", "one"]
    assert titles(store, archived=True) == ["two"]
    assert titles(store) == ["three", "two", "one"]
    store.pin_session(archived.id, pinned=True)
    assert titles(store, archived=True, pinned=True) == ["two"]
    assert not store.archive_session(archived.id, archived=False).archived
    assert titles(store, archived=True) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda store, session_id: store.archive_session(session_id, archived=True),
        lambda store, session_id: store.mark_unread(session_id, unread=True),
        lambda store, session_id: store.configure_session(session_id, {"temperature": 0}),
        lambda store, session_id: store.move_sessions([session_id], store.create_folder("Work").id),
        lambda store, session_id: store.save_draft(session_id, Draft("…")),
    ],
)
def test_what_is_done_to_a_session_makes_it_no_newer(store: Store, change: Callable[[Store, str], object]) -> None:
    session = store.create_session("first")
    store.create_session("second")
    change(store, session.id)
    assert titles(store) == ["second", "first"]
    assert store.get_session(session.id).last_active == session.last_active


def test_a_session_keeps_its_settings_whose_they_are_and_that_nobody_has_read_it(store: Store, url: str) -> None:
    session = store.create_session()
    assert (session.overrides, session.persona, session.unread) == ({}, "", False)
    overrides = {"temperature": 0.2, "system_prompt": "Répond en français. \ud83d \0", "thinking": "off"}
    store.configure_session(session.id, overrides, "Réné")
    store.mark_unread(session.id, unread=True)
    again = Store(url)
    found = again.get_session(session.id)
    again.close()
    assert (dict(found.overrides), found.persona, found.unread) == (overrides, "Réné", True)
    assert not store.mark_unread(session.id, unread=False).unread
    assert store.configure_session(session.id, {}).persona == ""


def test_a_copy_has_the_settings_and_the_folder_of_its_original(store: Store) -> None:
    folder = store.create_folder("Work")
    original = store.configure_session(store.create_session("Plan").id, {"top_k": 4}, "Tutor")
    store.move_sessions([original.id], folder.id)
    store.archive_session(original.id, archived=True)
    copy = store.copy_branch(original.id)
    assert (copy.overrides, copy.persona, copy.folder_id, copy.archived) == ({"top_k": 4}, "Tutor", folder.id, False)


def test_folders_are_listed_by_their_names_whatever_the_letter_case(store: Store) -> None:
    for name in ("Éclairs", "work", "Apples", "zoo"):
        store.create_folder(name)
    assert [folder.name for folder in store.list_folders()] == ["Apples", "Éclairs", "work", "zoo"]


def test_sessions_are_moved_all_or_none(store: Store) -> None:
    folder = store.create_folder("Work")
    first, second = (store.create_session(title).id for title in ("a", "b"))
    with pytest.raises(SessionNotFound):
        store.move_sessions([first, "nowhere", second], folder.id)
    with pytest.raises(FolderNotFound):
        store.move_sessions([first, second], "nowhere")
    assert [session.folder_id for session in store.list_sessions()] == [None, None]
    assert [session.id for session in store.move_sessions([second, first], folder.id)] == [second, first]
    assert {session.folder_id for session in store.list_sessions()} == {folder.id}
    assert [session.folder_id for session in store.move_sessions([first], None)] == [None]


def test_what_was_in_a_folder_that_is_deleted_is_in_none(store: Store) -> None:
    folder = store.create_folder("Work")
    session = store.create_session()
    store.move_sessions([session.id], folder.id)
    store.delete_folder(folder.id)
    assert store.list_folders() == []
    assert store.get_session(session.id).folder_id is None


def test_a_folder_is_renamed_and_may_change_its_own_letters(store: Store) -> None:
    folder = store.create_folder("work")
    assert store.rename_folder(folder.id, "  Work\n things ").name == "Work things"
    assert store.rename_folder(folder.id, "WORK THINGS").name == "WORK THINGS"
    assert store.list_folders() == [replace(folder, name="WORK THINGS")]


def test_no_two_of_a_kind_have_the_same_name(store: Store) -> None:
    work, play = store.create_folder("Work"), store.create_folder("Play")
    persona = store.save_persona(Persona("", "Work"))
    store.save_snippet(Snippet("", "Work", "Go."))
    for again in (
        lambda: store.create_folder(" work "),
        lambda: store.rename_folder(play.id, "WORK"),
        lambda: store.save_persona(Persona("", "work")),
        lambda: store.save_snippet(Snippet("", "work", "Go.")),
    ):
        with pytest.raises(NameTaken, match="There is “"):
            again()
    assert store.list_folders() == [play, work]
    assert store.list_personas() == [persona]


@pytest.mark.parametrize("name", ["", " \n\t", "\u200b\u200f", "x" * (LONGEST_NAME + 1)])
def test_what_nobody_could_read_is_no_name(store: Store, name: str) -> None:
    folder = store.create_folder("Work")
    for call in (
        lambda: store.create_folder(name),
        lambda: store.rename_folder(folder.id, name),
        lambda: store.save_persona(Persona("", name)),
        lambda: store.save_snippet(Snippet("", name, "text")),
    ):
        with pytest.raises(NameUnfit):
            call()
    assert (store.list_folders(), store.list_personas(), store.list_snippets()) == ([folder], [], [])


@pytest.mark.parametrize("name", ["\ud83d half", "nul\0", "\u202eevil", "🗂️ 仕事", "'; DROP TABLE folders;--", "%_"])
def test_odd_names_are_kept(store: Store, name: str) -> None:
    folder = store.create_folder(name)
    (found,) = store.list_folders()
    assert (found.id, found.name) == (folder.id, name.replace("\ud83d", "\ufffd").replace("\0", "\ufffd"))


def test_personas_are_kept_changed_and_forgotten(store: Store) -> None:
    tutor = store.save_persona(Persona("", "Tutor", {"system_prompt": "Ask back.", "temperature": 0.4}, "small-model"))
    assert tutor.id
    assert store.list_personas() == [tutor]
    assert dict(store.list_personas()[0].overrides) == {"system_prompt": "Ask back.", "temperature": 0.4}
    stricter = store.save_persona(replace(tutor, name="Strict tutor", model=""))
    assert store.list_personas() == [stricter]
    store.delete_persona(tutor.id)
    assert store.list_personas() == []
    with pytest.raises(PersonaNotFound):
        store.save_persona(tutor)
    with pytest.raises(PersonaNotFound):
        store.delete_persona(tutor.id)


def test_prompts_are_kept_changed_and_forgotten(store: Store) -> None:
    snippet = store.save_snippet(Snippet("", "Shorter", "Say it in\na third of the words."))
    longer = store.save_snippet(replace(snippet, text="Say more."))
    assert store.list_snippets() == [longer]
    store.delete_snippet(snippet.id)
    with pytest.raises(SnippetNotFound):
        store.delete_snippet(snippet.id)
    with pytest.raises(SnippetNotFound):
        store.save_snippet(snippet)


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.rename_folder("nowhere", "Name"),
        lambda store: store.delete_folder("nowhere"),
    ],
)
def test_a_folder_that_is_gone_is_said_to_be(store: Store, call: Callable[[Store], object]) -> None:
    with pytest.raises(FolderNotFound) as told:
        call(store)
    assert isinstance(told.value, TetherError)
    assert told.value.hint


FILES = (Attachment("notes.md", "# Füße \ud83d \0", "text/markdown", 12),)


def test_a_draft_is_kept_with_its_files_and_what_waits(store: Store, url: str) -> None:
    session = store.create_session()
    draft = Draft("Half a ques", FILES, (QueuedQuestion("First", FILES), QueuedQuestion("Then")))
    store.save_draft(session.id, draft)
    store.save_draft("", Draft("Not begun"))
    again = Store(url)
    assert (again.draft(session.id), again.draft("")) == (draft, Draft("Not begun"))
    again.close()
    assert store.drafted_sessions() == {session.id}
    store.save_draft(session.id, Draft("Other"))
    assert store.draft(session.id) == Draft("Other")
    store.save_draft(session.id, Draft())
    assert (store.draft(session.id), store.drafted_sessions()) == (Draft(), set())


def test_a_very_long_draft_is_kept_whole(store: Store) -> None:
    draft = Draft("a \N{GRINNING FACE}\n" * 500_000)
    store.save_draft("", draft)
    assert store.draft("") == draft


def test_no_draft_is_kept_for_a_session_that_is_gone(store: Store) -> None:
    session = store.create_session()
    store.save_draft(session.id, Draft("…"))
    store.erase_session(session.id)
    assert store.draft(session.id) == Draft()
    with pytest.raises(SessionNotFound):
        store.save_draft(session.id, Draft("late"))
    store.save_draft(session.id, Draft())  # what has nothing to keep has nothing to complain of
    assert store.drafted_sessions() == set()


@pytest.mark.parametrize("damaged", ["", "{", "[]", "7", '"text"', '{"top_k": NaN}', "[" * 200_000])
def test_a_damaged_row_hides_no_conversation(store: Store, damaged: str) -> None:
    session = store.configure_session(store.create_session("Here").id, {"top_k": 3})
    persona = store.save_persona(Persona("", "Tutor", {"top_k": 3}))
    store.save_draft(session.id, Draft("typed"))
    with store._database.write() as connection:
        for table, column in ((SessionTable, "overrides"), (PersonaTable, "overrides"), (DraftTable, "draft")):
            connection.execute(update(table).values({column: damaged}))
    assert [(found.title, dict(found.overrides)) for found in store.list_sessions()] == [("Here", {})]
    assert [(found.id, dict(found.overrides)) for found in store.list_personas()] == [(persona.id, {})]
    assert store.draft(session.id) == Draft(damaged)


def test_the_bin_is_emptied_and_everything_is_erased(store: Store) -> None:
    binned, listed = (store.create_session(title).id for title in ("binned", "listed"))
    for session_id in (binned, listed):
        store.add_message(session_id, text_message("user", "apple"), parent_id=None)
        store.save_draft(session_id, Draft("more"))
        store.set_tool_rule(session_id, "weather", "never")
    folder = store.create_folder("Work")
    store.move_sessions([binned, listed], folder.id)
    store.delete_session(binned)
    assert store.purge_bin() == [binned]
    assert store.drafted_sessions() == {listed}
    assert [hit.session_id for hit in store.search_messages("apple", 5)] == [listed]
    persona = store.save_persona(Persona("", "Tutor"))
    assert store.erase_all() == [listed]
    store.scrub()
    assert (store.list_sessions(), store.list_folders(), store.search("apple", 5)) == ([], [], [])
    assert store.list_personas() == [persona]


def test_the_sizes_say_where_and_how_much_is_kept(store: Store, kind: str) -> None:
    session = store.create_session()
    store.add_message(session.id, text_message("user", "apple"), parent_id=None)
    sizes = store.sizes()
    assert (sizes.sessions, sizes.archived, sizes.in_bin, sizes.messages) == (1, 0, 0, 1)
    assert sizes.is_file == (kind == "sqlite")
    assert sizes.size_bytes > 10_000
