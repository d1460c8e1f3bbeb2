"""Adds conversations of files: our own exports, and those of ChatGPT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_desktop.context.files import chatgpt, conversation_file, import_faults
from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.files.import_source import Document, documents
from tether_desktop.context.files.json_stream import read_elements
from tether_desktop.context.records import Conversation, SessionRecord
from tether_desktop.context.store import Store
from tether_desktop.errors import showable


@dataclass(frozen=True, slots=True)
class Skipped:
    """A conversation that was not added, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file."""

    imported: tuple[SessionRecord, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class _Recognised:
    """A document of a known format.

    Attributes:
        items: gives what it has of conversations, one after the other.
        conversation_of: makes a conversation of one; raises Unfit.
    """

    items: Callable[[], Iterator[Any]]
    conversation_of: Callable[[Any], Conversation]


def _nobody(_: SessionRecord) -> None:
    """Nobody wants to hear of it."""


def import_file(store: Store, path: Path, on_added: Callable[[SessionRecord], None] = _nobody) -> ImportReport:
    """Add the conversations of a file: an export of ours, ChatGPT's conversations.json, or the zip file it comes in.

    What it is shows in its content. All of it is read once before anything is added, so that of a broken file nothing
    is. Then each conversation is added by itself, whole or not at all; one that is there already is not added again.
    Only one conversation at a time is in memory.

    Args:
        store: where to add them.
        path: of the file.
        on_added: hears of each conversation once it is there.

    Raises:
        ImportProblem: it cannot be read, or is neither; nothing is added then.
        StoreError: the database fails; what was added by then stays, and importing again goes on from there.
    """
    imported: list[SessionRecord] = []
    skipped: list[Skipped] = []
    with documents(path) as found:
        known = [_recognise(document) for document in found]
        for document in known:
            for item in document.items():
                try:
                    imported.append(store.add_conversation(document.conversation_of(item)))
                except Unfit as reason:
                    number = len(imported) + len(skipped) + 1
                    skipped.append(Skipped(_title(item) or f"Conversation {number}", showable(str(reason))))
                else:
                    on_added(imported[-1])
    return ImportReport(tuple(imported), tuple(skipped))


def _recognise(document: Document) -> _Recognised:
    """Find out what a document is, reading all of it.

    Raises:
        ImportProblem: it is neither, or broken.
    """
    about: dict[str, Any] = {}
    has_chatgpt = False
    with document() as file:
        for member, value in read_elements(file, listed="sessions"):
            if member is None:
                has_chatgpt = has_chatgpt or chatgpt.is_conversation(value)
            elif member in {"format", "version"}:
                about[member] = value
            elif member in {"sessions", "mapping"}:
                about[member] = type(value)
    if about.get("format") == conversation_file.FORMAT:
        _check_version(about)
        return _Recognised(lambda: _elements(document), conversation_file.conversation_of)
    if about.get("mapping") is dict:
        return _Recognised(lambda: iter([_members(document)]), chatgpt.conversation_of)
    if has_chatgpt and not about:
        return _Recognised(lambda: _elements(document), chatgpt.conversation_of)
    raise import_faults.unknown_format()


def _check_version(about: Mapping[str, Any]) -> None:
    version = about.get("version")
    version = version if isinstance(version, int) and not isinstance(version, bool) else 0
    if version > conversation_file.VERSION:
        raise import_faults.newer_format()
    if version < 1 or about.get("sessions") is not list:
        raise import_faults.unknown_format()


def _elements(document: Document) -> Iterator[Any]:
    with document() as file:
        for member, element in read_elements(file, listed="sessions"):
            if member is None:
                yield element


def _members(document: Document) -> dict[str | None, Any]:
    with document() as file:
        return {name: value for name, value in read_elements(file, listed="sessions") if name in chatgpt.FIELDS}


def _title(item: Any) -> str:
    title = item.get("title") if isinstance(item, dict) else None
    return showable(title) if isinstance(title, str) else ""
