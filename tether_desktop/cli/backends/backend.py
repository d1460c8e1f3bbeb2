"""What commands need of the program, whether it runs in this process or is reached on the port of one that runs."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from tether_desktop.events import Event
from tether_desktop.protocol.tool_use import AS_SET, ApprovalAnswer, ToolUse

if TYPE_CHECKING:
    from tether_desktop.context.files.imports import ImportReport
    from tether_desktop.context.records import MessageRecord, SearchHit, SessionRecord
    from tether_desktop.model.engine import Constraint

OnProgress = Callable[[float | None], None]
"""Told how far something is, 0..1, or None where that is not known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in a session.

    Attributes:
        text: the question; empty where an answer is to be made again.
        regenerate: the id of the reply beside which another one is wanted.
        model: who answers; None leaves that to the session and the settings.
        tool_use: what may be called.
        reply_format: what the reply has to be; None for free text.
    """

    text: str = ""
    regenerate: str = ""
    model: str | None = None
    tool_use: ToolUse = AS_SET
    reply_format: Constraint | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as it is now.

    Attributes:
        reason: why it cannot be used; empty when it can.
        state: "unloaded", "loading", "ready", "busy" or "failed".
        device: what it computes on; empty unless it is loaded.
        memory_bytes: of weights and KV cache; 0 unless it is loaded.
        context_window: in tokens; 0 when unknown.
    """

    name: str
    usable: bool
    reason: str
    state: str
    device: str = ""
    memory_bytes: int = 0
    context_window: int = 0


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool: what models may know of it, and whether they may call it."""

    name: str
    title: str
    origin: str
    enabled: bool
    permission: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answered."""

    text: str
    is_error: bool


class RunningTurn(Protocol):
    """A question that is being answered."""

    @property
    def session_id(self) -> str:
        """The session it belongs to."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Every event from the first on; ends after the one terminal event."""
        ...

    async def cancel(self) -> None:
        """Stop it; what was said until then is kept."""
        ...


class Sessions(Protocol):
    """The conversations; as ``protocol.service.SessionService`` offers them."""

    async def create(self, title: str = "", model: str = "") -> SessionRecord:
        """Begin a conversation."""
        ...

    async def list(
        self,
        *,
        deleted: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[SessionRecord]:
        """Those in the list or in the bin; the last active first."""
        ...

    async def find(self, beginning: str) -> SessionRecord:
        """The one whose id begins so; raises SessionNotFound."""
        ...

    async def get(self, session_id: str) -> SessionRecord:
        """One of them."""
        ...

    async def history(self, session_id: str, *, limit: int | None = None) -> builtins.list[MessageRecord]:
        """The messages that are shown, oldest first; with ``limit`` the newest ones."""
        ...

    async def search(self, query: str, *, limit: int = 20, offset: int = 0) -> builtins.list[SearchHit]:
        """The messages in which all words of the query stand."""
        ...

    async def rename(self, session_id: str, title: str) -> SessionRecord:
        """Give it another title."""
        ...

    async def pin(self, session_id: str, *, pinned: bool) -> SessionRecord:
        """Show it before the others, or no longer."""
        ...

    async def archive(self, session_id: str, *, archived: bool) -> SessionRecord:
        """Put it out of the way, or back into the list."""
        ...

    async def branch(self, session_id: str, message_id: str | None = None) -> SessionRecord:
        """Copy it up to a message, or all that is shown."""
        ...

    async def export(self, file: BinaryIO, session_ids: Sequence[str] | None = None) -> None:
        """Write some or all as JSON."""
        ...

    async def export_markdown(self, session_id: str) -> str:
        """What is shown of it, for people."""
        ...

    async def import_from(self, file: Path) -> ImportReport:
        """Add the conversations of a file."""
        ...

    async def delete(self, session_id: str) -> None:
        """Move it to the bin."""
        ...

    async def restore(self, session_id: str) -> SessionRecord:
        """Take it out of the bin."""
        ...

    async def erase(self, session_id: str) -> None:
        """Remove it for good."""
        ...


class Backend(Protocol):
    """The program as commands see it; everything it raises that a person may see is a TetherError."""

    @property
    def sessions(self) -> Sessions:
        """The conversations."""
        ...

    async def ask(self, session_id: str, question: Question) -> RunningTurn:
        """Ask in a session; what is wrong with the question is raised before anything is stored."""
        ...

    async def answer(self, session_id: str, call_id: str, answer: ApprovalAnswer) -> bool:
        """Answer for a call that waits; False where it does not wait any more."""
        ...

    async def models(self) -> Sequence[ModelRow]:
        """All models and what is loaded."""
        ...

    async def load(self, name: str, on_progress: OnProgress) -> None:
        """Load a model."""
        ...

    async def unload(self, name: str) -> bool:
        """Unload a model; False where it was not loaded."""
        ...

    async def tools(self) -> tuple[Sequence[ToolRow], Sequence[str]]:
        """All tools, and in sentences what keeps others from being there."""
        ...

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Call a tool without a model."""
        ...

    async def close(self) -> None:
        """Let go of the program; in this process, end it."""
        ...
