"""The library: folders, personas, saved prompts and drafts, for every client that shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

from tether_desktop.context.records import Draft, FolderRecord, Persona, Snippet
from tether_desktop.context.store import Store
from tether_desktop.settings import checked_overrides

Shelf = Literal["folders", "personas", "snippets"]
OnChange = Callable[[Shelf], None]
T = TypeVar("T")


class Library:
    """What a person keeps beside the conversations; all methods raise TetherErrors."""

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
        """Make a folder."""
        return self._changed("folders", await asyncio.to_thread(self._store.create_folder, name))

    async def rename_folder(self, folder_id: str, name: str) -> FolderRecord:
        """Give a folder another name.

        Raises:
            FolderNotFound: there is none of that id.
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
        """Keep what was typed; an empty draft forgets it, and so does erasing the session."""
        await asyncio.to_thread(self._store.save_draft, session_id, draft)

    async def drafted(self) -> set[str]:
        """The ids of the sessions that have a draft."""
        return await asyncio.to_thread(self._store.drafted_sessions)

    def _changed(self, shelf: Shelf, value: T) -> T:
        for listener in tuple(self._listeners):
            listener(shelf)
        return value
