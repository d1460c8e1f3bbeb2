"""What is kept beside the conversations: folders, personas, saved prompts and drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update

from tether_desktop.context.database import Database
from tether_desktop.context.kept_json import dump_draft, dump_overrides, load_draft, load_overrides
from tether_desktop.context.queries import find_session, find_sessions
from tether_desktop.context.records import Draft, FolderRecord, Persona, SessionRecord, Snippet
from tether_desktop.context.tables import DraftTable, FolderTable, PersonaTable, SessionTable, SnippetTable
from tether_desktop.context.words import fold
from tether_desktop.errors import FolderNotFound, NameTaken, NameUnfit, PersonaNotFound, SnippetNotFound

LONGEST_NAME: Final = 200
"""Characters of what a folder, a persona or a saved prompt is called."""

_AT_ONCE: Final = 500

_Named = FolderRecord | Persona | Snippet
_NamedTable = FolderTable | PersonaTable | SnippetTable


class Shelves:
    """The part of the store that keeps them; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_folders(self) -> list[FolderRecord]:
        """All folders, by their names."""
        with self._database.read() as connection:
            rows = connection.execute(select(FolderTable)).all()
        return sorted((FolderRecord(row.id, row.name, row.created_at) for row in rows), key=_by_name)

    def create_folder(self, name: str) -> FolderRecord:
        """Make a folder.

        Raises:
            NameTaken: there is one of that name.
        """
        record = _new_folder(name)
        with self._database.write() as connection:
            _refuse_twice(connection, FolderTable, record)
            connection.execute(insert(FolderTable).values(_folder_values(record)))
        return record

    def rename_folder(self, folder_id: str, name: str) -> FolderRecord:
        """Give a folder another name.

        Raises:
            FolderNotFound: there is none of that id.
            NameTaken: another one has that name.
        """
        with self._database.write() as connection:
            folder = _folder(connection, folder_id)
            renamed = replace(folder, name=_checked(name))
            _refuse_twice(connection, FolderTable, renamed)
            connection.execute(update(FolderTable).where(FolderTable.id == folder_id).values(name=renamed.name))
            return renamed

    def delete_folder(self, folder_id: str) -> None:
        """Remove a folder; its sessions stay, in none.

        Raises:
            FolderNotFound: there is none of that id.
        """
        with self._database.write() as connection:
            _folder(connection, folder_id)
            connection.execute(update(SessionTable).where(SessionTable.folder_id == folder_id).values(folder_id=None))
            connection.execute(delete(FolderTable).where(FolderTable.id == folder_id))

    def move_sessions(self, session_ids: Sequence[str], folder_id: str | None) -> list[SessionRecord]:
        """Put sessions into a folder, all or none; None takes them out of theirs.

        Raises:
            FolderNotFound: there is no such folder.
            SessionNotFound: one of the sessions is not there; none is moved then.
        """
        with self._database.write() as connection:
            if folder_id is not None:
                _folder(connection, folder_id)
            for start in range(0, len(session_ids), _AT_ONCE):
                these = SessionTable.id.in_(session_ids[start : start + _AT_ONCE])
                connection.execute(update(SessionTable).where(these).values(folder_id=folder_id))
            return find_sessions(connection, session_ids)

    def list_personas(self) -> list[Persona]:
        """All personas, by their names."""
        with self._database.read() as connection:
            rows = connection.execute(select(PersonaTable)).all()
        personas = (Persona(row.id, row.name, load_overrides(row.overrides), row.model) for row in rows)
        return sorted(personas, key=_by_name)

    def save_persona(self, persona: Persona) -> Persona:
        """Keep a persona, a new one where its id is empty.

        Raises:
            PersonaNotFound: there is none of its id.
            NameTaken: another one has its name.
        """
        named = replace(persona, name=_checked(persona.name))
        values = {"name": named.name, "model": named.model, "overrides": dump_overrides(named.overrides)}
        with self._database.write() as connection:
            _refuse_twice(connection, PersonaTable, named)
            if persona.id:
                changed = connection.execute(update(PersonaTable).where(PersonaTable.id == persona.id).values(values))
                if changed.rowcount == 0:
                    raise _no_persona()
                return named
            made = replace(named, id=uuid4().hex)
            connection.execute(insert(PersonaTable).values(id=made.id, **values))
            return made

    def delete_persona(self, persona_id: str) -> None:
        """Forget a persona.

        Raises:
            PersonaNotFound: there is none of that id.
        """
        with self._database.write() as connection:
            if connection.execute(delete(PersonaTable).where(PersonaTable.id == persona_id)).rowcount == 0:
                raise _no_persona()

    def list_snippets(self) -> list[Snippet]:
        """All saved prompts, by their names."""
        with self._database.read() as connection:
            rows = connection.execute(select(SnippetTable)).all()
        return sorted((Snippet(row.id, row.name, row.text) for row in rows), key=_by_name)

    def save_snippet(self, snippet: Snippet) -> Snippet:
        """Keep a prompt, a new one where its id is empty.

        Raises:
            SnippetNotFound: there is none of its id.
            NameTaken: another one has its name.
        """
        named = replace(snippet, name=_checked(snippet.name))
        values: dict[str, Any] = {"name": named.name, "text": named.text}
        with self._database.write() as connection:
            _refuse_twice(connection, SnippetTable, named)
            if snippet.id:
                changed = connection.execute(update(SnippetTable).where(SnippetTable.id == snippet.id).values(values))
                if changed.rowcount == 0:
                    raise _no_snippet()
                return named
            made = replace(named, id=uuid4().hex)
            connection.execute(insert(SnippetTable).values(id=made.id, **values))
            return made

    def delete_snippet(self, snippet_id: str) -> None:
        """Forget a prompt.

        Raises:
            SnippetNotFound: there is none of that id.
        """
        with self._database.write() as connection:
            if connection.execute(delete(SnippetTable).where(SnippetTable.id == snippet_id)).rowcount == 0:
                raise _no_snippet()

    def draft(self, session_id: str) -> Draft:
        """What was typed in a session and not sent; an empty id is for the chat that is not begun yet."""
        with self._database.read() as connection:
            kept = select(DraftTable.draft).where(DraftTable.session_id == session_id)
            stored = connection.execute(kept).scalar_one_or_none()
            return Draft() if stored is None else load_draft(stored)

    def save_draft(self, session_id: str, draft: Draft) -> None:
        """Keep what was typed; an empty draft forgets it.

        Raises:
            SessionNotFound: it was erased meanwhile.
        """
        with self._database.write() as connection:
            if session_id and draft:
                find_session(connection, session_id, lock=True)  # or its draft could outlive it
            connection.execute(delete(DraftTable).where(DraftTable.session_id == session_id))
            if draft:
                connection.execute(insert(DraftTable).values(session_id=session_id, draft=dump_draft(draft)))

    def drafted_sessions(self) -> set[str]:
        """The ids of the sessions that have a draft."""
        with self._database.read() as connection:
            return set(connection.execute(select(DraftTable.session_id)).scalars()) - {""}


def folder_named(connection: Connection, name: str) -> str | None:
    """The id of the folder of that name, which is made where there is none; None for what is no name."""
    try:
        wanted = _new_folder(name)
    except NameUnfit:
        return None
    for row in connection.execute(select(FolderTable.id, FolderTable.name)):
        if fold(row.name) == fold(wanted.name):
            return str(row.id)
    connection.execute(insert(FolderTable).values(_folder_values(wanted)))
    return wanted.id


def _new_folder(name: str) -> FolderRecord:
    return FolderRecord(uuid4().hex, _checked(name), datetime.now(UTC))


def _folder_values(record: FolderRecord) -> dict[str, Any]:
    return {"id": record.id, "name": record.name, "created_at": record.created_at}


def _folder(connection: Connection, folder_id: str) -> FolderRecord:
    row = connection.execute(select(FolderTable).where(FolderTable.id == folder_id)).one_or_none()
    if row is None:
        raise FolderNotFound("The folder is not there", "It has been deleted meanwhile.", "Choose another one.")
    return FolderRecord(row.id, row.name, row.created_at)


def _by_name(record: _Named) -> tuple[str, str]:
    return fold(record.name), record.id


def _checked(name: str) -> str:
    """The name in one line.

    Raises:
        NameUnfit: nothing of it can be seen, or it is no name any more.
    """
    shown = " ".join(name.split())
    if not any(character.isprintable() and character != " " for character in shown):
        raise NameUnfit("A name is missing", "The name is empty.", "Write one.")
    if len(shown) > LONGEST_NAME:
        what = f"The name has {len(shown):,} characters."
        raise NameUnfit("The name is too long", what, f"Choose one of at most {LONGEST_NAME}.")
    return shown


def _refuse_twice(connection: Connection, table: type[_NamedTable], record: _Named) -> None:
    """Refuse a name that another row has: nobody could tell the two apart.

    Raises:
        NameTaken: that is so.
    """
    others = connection.execute(select(table.name).where(table.id != record.id)).scalars()
    if fold(record.name) in map(fold, others):
        raise NameTaken("The name is taken", f"There is “{record.name}” already.", "Choose another one.")


def _no_persona() -> PersonaNotFound:
    return PersonaNotFound("The persona is not there", "It has been deleted meanwhile.", "Choose another one.")


def _no_snippet() -> SnippetNotFound:
    return SnippetNotFound("The prompt is not there", "It has been deleted meanwhile.", "Choose another one.")
