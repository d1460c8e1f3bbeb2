"""What a tool is, whoever wrote it and wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tether_desktop.messages import ToolDeclaration

Permission = Literal["ask", "always", "never"]
OnToolProgress = Callable[[str, float | None], None]
"""Gets a message and a fraction 0..1, or None when that is unknown."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool answered, as text for the model; an error is an answer too.

    Attributes:
        left_out: characters that followed and were cut off already, where a result was too large to pass on.
    """

    text: str
    is_error: bool = False
    left_out: int = 0


class Tool(Protocol):
    """Something a model can call."""

    @property
    def declaration(self) -> ToolDeclaration:
        """What the model is told of it; the name is unique among all tools."""
        ...

    @property
    def title(self) -> str:
        """For people: "Time in a place"."""
        ...

    @property
    def origin(self) -> str:
        """Where it is from, for people: "Built in", "mine.py", "MCP server everything"."""
        ...

    @property
    def permission(self) -> Permission:
        """Whether a call asks the person first, where nobody has said otherwise."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """Seconds after which a call is ended; None takes the setting's."""
        ...

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Do it; ``arguments`` are valid for the declaration's schema.

        Cancelling the task ends whatever runs, for good. May raise: the executor makes an answer of it.
        """
        ...


class ToolSource(Protocol):
    """Where tools come from; all of its methods are for the core's event loop."""

    def tools(self) -> Sequence[Tool]:
        """Those that can be called now."""
        ...

    async def close(self) -> None:
        """End everything that runs; idempotent."""
        ...
