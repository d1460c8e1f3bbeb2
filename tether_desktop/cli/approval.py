"""Asks in the terminal whether a tool may be called."""

from __future__ import annotations

from tether_desktop.cli.output import note
from tether_desktop.protocol.tool_use import ApprovalAnswer

_ANSWERS: dict[str, ApprovalAnswer] = {"o": "once", "a": "always", "d": "deny", "n": "never"}
_QUESTION = "Allow it? [o]nce, [a]lways in this chat, [d]eny, [n]ever in this chat: "


def ask_person() -> ApprovalAnswer:
    """What the person answers; the end of input denies. Nothing is allowed by an empty line."""
    while True:
        try:
            said = input(_QUESTION).strip().lower()
        except EOFError:
            note("")
            return "deny"
        answer = _ANSWERS.get(said[:1])
        if answer and answer.startswith(said):
            return answer
        note("Answer o, a, d or n.")
