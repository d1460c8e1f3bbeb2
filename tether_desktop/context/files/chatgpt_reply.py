"""Puts a message of ours together from those that ChatGPT keeps for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from tether_desktop.context.records import MessageRecord
from tether_desktop.messages import FinishReason, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult

_ENDINGS: Final[Mapping[str, FinishReason]] = {"max_tokens": "length", "interrupted": "cancelled"}


@dataclass(slots=True)
class Draft:
    """A message that is being put together.

    Attributes:
        time: when its first part was written, an aware UTC time.
    """

    id: str
    parent_id: str | None
    role: Role
    time: datetime
    _runs: list[list[Part]] = field(default_factory=list)
    """Parts of the same kind that follow each other, of each of which one is made in the end."""
    _thoughts: list[Part] | None = None
    """The last run of thoughts."""
    _waiting: list[ToolCall] = field(default_factory=list)
    """Calls that nothing has answered yet."""
    _is_answered: bool = False
    _model: str = ""
    _finish_reason: FinishReason = "stop"

    def add(self, parts: Iterable[Part], message: Mapping[str, Any]) -> None:
        """Go on with the parts of a message, and with what is told beside them."""
        for part in parts:
            self._add(part)
        metadata = message.get("metadata")
        told = metadata if isinstance(metadata, dict) else {}
        model, ending = told.get("model_slug"), told.get("finish_details")
        self._model = model if isinstance(model, str) and model else self._model
        kind = ending.get("type") if isinstance(ending, dict) else None
        self._finish_reason = _ENDINGS.get(kind, "stop") if isinstance(kind, str) else "stop"

    def record(self, default_model: str) -> MessageRecord:
        """The message as it is now."""
        is_reply = self.role == "assistant"
        return MessageRecord(
            id=self.id,
            session_id="",
            parent_id=self.parent_id,
            message=Message(self.role, tuple(map(_merged, self._runs))),
            created_at=self.time,
            model=(self._model or default_model) if is_reply else "",
            finish_reason=self._finish_reason if is_reply else None,
        )

    def _add(self, part: Part) -> None:
        run = self._runs[-1] if self._runs else []
        if isinstance(part, ToolResult):
            self._add_result(part, run)
        elif isinstance(part, Reasoning):
            self._add_thought(part, run)
        elif isinstance(part, Text) and run and isinstance(run[0], Text):
            # What was cut off may go on in the middle of a word.
            run += [part] if self._finish_reason == "length" else [Text("\n\n"), part]
        else:
            self._runs.append([part])
        if isinstance(part, ToolCall):
            self._waiting.append(part)

    def _add_result(self, result: ToolResult, run: list[Part]) -> None:
        self._is_answered = True
        if self._waiting:
            call = self._waiting.pop()
            self._runs.append([replace(result, id=call.id, name=call.name)])
        elif run and isinstance(run[0], ToolResult):
            run.append(result)
        else:
            self._runs += [[ToolCall(result.id, result.name)], [result]]

    def _add_thought(self, thought: Reasoning, run: list[Part]) -> None:
        if not thought.text:  # only tells how long the thinking took
            if self._thoughts:
                self._thoughts.append(thought)
        elif run and run is self._thoughts:
            run.append(thought)
        else:
            self._thoughts = [replace(thought, phase="post_tool" if self._is_answered else "pre_tool")]
            self._runs.append(self._thoughts)


def _merged(run: Sequence[Part]) -> Part:
    first = run[0]
    if isinstance(first, Text):
        return Text("".join(part.text for part in run if isinstance(part, Text)))
    if isinstance(first, Reasoning):
        thoughts = [part for part in run if isinstance(part, Reasoning)]
        seconds = [part.seconds for part in thoughts if part.seconds is not None]
        text = "\n\n".join(part.text for part in thoughts if part.text)
        return replace(first, text=text, seconds=sum(seconds) if seconds else None)
    if isinstance(first, ToolResult):
        results = [part for part in run if isinstance(part, ToolResult)]
        text = "\n\n".join(part.result for part in results if part.result)
        return replace(first, result=text, is_error=any(part.is_error for part in results))
    return first
