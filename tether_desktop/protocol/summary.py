"""Sums up what no longer fits the context window, so that the model still knows of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing

from tether_desktop.errors import TetherError
from tether_desktop.events import Token
from tether_desktop.messages import Message, text_message
from tether_desktop.model.engine import Engine, EngineInfo, SamplingParams
from tether_desktop.protocol.history import Exchange
from tether_desktop.protocol.speaking import Assignment, parser_for, request_for, speak
from tether_desktop.protocol.speech import Heard, Speech
from tether_desktop.protocol.window import FittedPrompt

_LOG = logging.getLogger(__name__)

_TASK = (
    "Sum up this conversation in a few short sentences, for somebody who goes on with it: who wants what, what was "
    "found out, names, numbers and decisions. Write nothing else."
)
_MOST_TOKENS = 256
_SPEAKERS = {"user": "Person", "assistant": "Assistant"}


def with_summary(system: str, summary: str) -> str:
    """The system prompt with what the model is to know of messages that it does not read."""
    return f"{system}\n\nWhat was said before, in short: {summary}".strip() if summary else system


async def sum_up(
    engine: Engine, chat: Assignment, dropped: Sequence[Exchange], *, earlier: str, info: EngineInfo | None
) -> str:
    """A summary of exchanges that are left out; empty where the model has none to give.

    Args:
        engine: of the chat; asked for one short reply.
        chat: what the model is to say in the chat.
        dropped: oldest first.
        earlier: the summary of what was left out before them.
        info: of the engine.
    """
    window = chat.window(info)
    longest = min(_MOST_TOKENS, window // 8)
    # Small models go round in circles when they sum up.
    params = SamplingParams(temperature=0.0, repetition_penalty=1.1, max_tokens=longest, stop=chat.params.stop)
    task = Assignment(f"{chat.session_id} summary", chat.template, params, chat.context_window, may_think=False)
    try:
        fitted = await _prompt(engine, task, _transcript(dropped, earlier), window - longest)
        return await _said(engine, task, fitted, info) if fitted else ""
    except TetherError:
        # The answer matters more: it goes on without a summary, or fails with the same error itself.
        _LOG.warning("Old messages could not be summed up", exc_info=True)
        return ""


async def _prompt(engine: Engine, task: Assignment, transcript: str, room: int) -> FittedPrompt | None:
    """The question for a summary, with as much of the transcript's end as there is room for."""
    while transcript:
        messages = [text_message("user", f"{_TASK}\n\n{transcript}")]
        prompt = task.template.render(messages, thinking=False)
        (tokens,) = await engine.count_tokens([prompt])
        if tokens <= room:
            return FittedPrompt(prompt, tokens, tuple(messages))
        transcript = transcript[len(transcript) - len(transcript) * room // (tokens + tokens // 8 + 1) :]
    return None


async def _said(engine: Engine, task: Assignment, fitted: FittedPrompt, info: EngineInfo | None) -> str:
    heard = Heard()
    speech = Speech(parser_for(task, fitted), heard)
    async with aclosing(speak(engine, request_for(task, fitted, info), speech, task)) as chunks:
        async for _ in chunks:
            pass
    said = "".join(event.content for event in heard.fetch() if isinstance(event, Token))
    return " ".join(said.split())


def _transcript(dropped: Sequence[Exchange], earlier: str) -> str:
    lines = [f"Before: {earlier}"] if earlier else []
    lines += [_line(message) for exchange in dropped for message in exchange.messages if message.text.strip()]
    return "\n\n".join(lines)


def _line(message: Message) -> str:
    return f"{_SPEAKERS.get(message.role, message.role)}: {message.text.strip()}"
