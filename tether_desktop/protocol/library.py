"""The library: folders, personas, saved prompts and drafts, for every client that shows them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from tether_desktop.context.backups import OnShare
from tether_desktop.context.records import Draft, FolderRecord, Persona, Snippet
from tether_desktop.context.statistics import StoreSizes
from tether_desktop.context.store import Store
from tether_desktop.protocol.news import AllErased, News
from tether_desktop.settings import checked_overrides

Shelf = Literal["folders", "personas", "snippets"]
OnChange = Callable[[Shelf], None]
T = TypeVar("T")


class _Stopped(Exception):
    """The copying was cancelled."""


class Library:
    """What a person keeps beside the conversations, and how all of it is kept; all methods raise TetherErrors."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: list[OnChange] = []

    def subscribe(self, listener: OnChange) -> Callable[[], None]:
        """Call ``listener``, in the loop, with the shelf that has changed; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def folders(self) -> list[FolderRecord]:
        """All folders, by their names."""
        return await asyncio.to_thread(self._store.list_folders)

    async def create_folder(self, name: str) -> FolderRecord:
        """Make a folder.

        Raises:
            NameUnfit: it is no name, or (NameTaken) there is a folder that has it.
        """
        return self._changed("folders", await asyncio.to_thread(self._store.create_folder, name))

    async def rename_folder(self, folder_id: str, name: str) -> FolderRecord:
        """Give a folder another name.

        Raises:
            FolderNotFound: there is none of that id.
            NameUnfit: it is no name, or (NameTaken) there is another folder that has it.
        """
        return self._changed("folders", await asyncio.to_thread(self._store.rename_folder, folder_id, name))

    async def delete_folder(self, folder_id: str) -> None:
        """Remove a folder; its sessions stay, in none.

        Raises:
            FolderNotFound: there is none of that id.
        """
        await asyncio.to_thread(self._store.delete_folder, folder_id)
        self._changed("folders", None)

    async def personas(self) -> list[Persona]:
        """All personas, by their names."""
        return await asyncio.to_thread(self._store.list_personas)

    async def save_persona(self, persona: Persona) -> Persona:
        """Keep a persona, a new one where its id is empty.

        Raises:
            PersonaNotFound: there is none of its id.
            NameUnfit: its name is none, or (NameTaken) there is another one that has it.
            SettingsError: a value does not fit its row.
        """
        checked: Mapping[str, Any] = checked_overrides(persona.overrides)
        saved = await asyncio.to_thread(self._store.save_persona, replace(persona, overrides=checked))
        return self._changed("personas", saved)

    async def delete_persona(self, persona_id: str) -> None:
        """Forget a persona; the conversations that took its values keep them.

        Raises:
            PersonaNotFound: there is none of that id.
        """
        await asyncio.to_thread(self._store.delete_persona, persona_id)
        self._changed("personas", None)

    async def snippets(self) -> list[Snippet]:
        """All saved prompts, by their names."""
        return await asyncio.to_thread(self._store.list_snippets)

    async def save_snippet(self, snippet: Snippet) -> Snippet:
        """Keep a prompt, a new one where its id is empty.

        Raises:
            SnippetNotFound: there is none of its id.
            NameUnfit: its name is none, or (NameTaken) there is another one that has it.
        """
        return self._changed("snippets", await asyncio.to_thread(self._store.save_snippet, snippet))

    async def delete_snippet(self, snippet_id: str) -> None:
        """Forget a prompt.

        Raises:
            SnippetNotFound: there is none of that id.
        """
        await asyncio.to_thread(self._store.delete_snippet, snippet_id)
        self._changed("snippets", None)

    async def draft(self, session_id: str = "") -> Draft:
        """What was typed in a session and not sent; an empty id is for the chat that is not begun yet."""
        return await asyncio.to_thread(self._store.draft, session_id)

    async def save_draft(self, session_id: str, draft: Draft) -> None:
        """Keep what was typed; an empty draft forgets it, and so does erasing the session.

        Raises:
            SessionNotFound: it was erased meanwhile.
        """
        await asyncio.to_thread(self._store.save_draft, session_id, draft)

    async def drafted(self) -> set[str]:
        """The ids of the sessions that have a draft."""
        return await asyncio.to_thread(self._store.drafted_sessions)

    async def sizes(self) -> StoreSizes:
        """How much is kept of all conversations, and where."""
        return await asyncio.to_thread(self._store.sizes)

    async def back_up(self, file: Path, on_share: OnShare = lambda _: None) -> None:
        """Copy the database, with everything in it, to a file as it is at this moment, while turns go on.

        Cancelling it ends the copying; half a copy is never left. A copy that is whole by then stays, and it returns.

        Args:
            file: is replaced where it is there.
            on_share: told in the loop how much is done, 0..1.

        Raises:
            BackupFailed: the copy cannot be written there, or the database is no file.
        """
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def tell(share: float) -> None:
            if stopped.is_set():
                raise _Stopped
            loop.call_soon_threadsafe(on_share, share)

        copying = asyncio.ensure_future(asyncio.to_thread(self._store.back_up, file, tell))
        try:
            await asyncio.shield(copying)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.wait([copying])
            if copying.exception() is not None:
                raise

    def hear(self, news: News) -> None:
        """Tell of the folders that went with all conversations."""
        if isinstance(news, AllErased):
            self._changed("folders", None)

    def _changed(self, shelf: Shelf, value: T) -> T:
        for listener in tuple(self._listeners):
            listener(shelf)
        return value
