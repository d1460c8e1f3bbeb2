"""What a caller wants of tools in a turn, and what a person may answer when a call asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tether_desktop.messages import ToolChoice

ApprovalAnswer = Literal["once", "always", "deny", "never"]
"""Allow this call, or every call of the tool in this chat; refuse this call, or every call of the tool in it."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """How a turn may use tools.

    Attributes:
        choice: which calls it may or must make; None leaves that to the settings.
        attended: whether somebody is there to answer when a call asks; if not, it is refused.
        allowed: tools whose calls need not ask.
    """

    choice: ToolChoice | None = None
    attended: bool = False
    allowed: frozenset[str] = frozenset()


AS_SET = ToolUse()
"""As the settings say, with nobody there to ask."""

DENIED = "The person did not allow this call."
UNATTENDED = "This call needs a person's permission, and nobody is there to ask."
STOPPED = "The call was stopped before it had an answer."
"""What model and person read of calls that were not run, or not to their end."""
