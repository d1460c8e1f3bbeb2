"""What the window knows of a tool: values without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tether_desktop.tools.tool import Permission


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool as it is shown.

    Attributes:
        name: what the model calls it.
        title: what people call it.
        origin: where it is from: "Built in", a file, a server.
        description: what the model reads of it.
        enabled: whether models are told of it.
        permission: whether its calls ask.
    """

    name: str
    title: str
    origin: str
    description: str = ""
    enabled: bool = True
    permission: Permission = "ask"

    @property
    def offered(self) -> bool:
        """Whether a model may call it."""
        return self.enabled and self.permission != "never"


ToolNames = Mapping[str, ToolFacts]
"""The tools by name."""
