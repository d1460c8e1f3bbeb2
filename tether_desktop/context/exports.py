"""Conversations as files: JSON that can be read back without loss, and Markdown for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.context.store import Store


def write_export(store: Store, file: BinaryIO, session_ids: Sequence[str] | None) -> None:
    """Write sessions with all versions of their messages as one JSON document."""
    raise NotImplementedError


def markdown_of(session: SessionRecord, records: Sequence[MessageRecord]) -> str:
    """What is shown of a session as Markdown."""
    raise NotImplementedError
