"""Makes of a question's body what the sessions understand."""

from __future__ import annotations

import json
from typing import TypedDict

from tether_desktop.messages import ToolChoice
from tether_desktop.model.engine import Constraint, SamplingParams
from tether_desktop.protocol.api.generation_schemas import Generation, NamedTool, ResponseFormat, Sampling
from tether_desktop.protocol.planner import sampling_of
from tether_desktop.protocol.service import SessionService
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.protocol.turn import Turn
from tether_desktop.settings import Settings

_BY_SETTINGS = ("max_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty")


class _How(TypedDict):
    model: str | None
    params: SamplingParams
    tool_use: ToolUse
    reply_format: Constraint | None


async def begin(sessions: SessionService, asked: Generation) -> Turn:
    """Ask, in a new conversation where none is named.

    Raises:
        TetherError: as ``SessionService.send``, ``regenerate``, ``edit`` and ``continue_reply``.
    """
    settings = sessions.settings if asked.session_id is None else await sessions.settings_in(asked.session_id)
    params = sampling(asked, settings)
    if asked.session_id is not None and asked.continue_ is not None:
        return await sessions.continue_reply(
            asked.session_id, asked.continue_, model=asked.model_name, params=params, tool_use=tool_use(asked)
        )
    how = _How(
        model=asked.model_name,
        params=params,
        tool_use=tool_use(asked),
        reply_format=reply_format(asked.response_format),
    )
    text = asked.prompt or ""
    if asked.session_id is None:
        return await sessions.begin(text, **how)
    if asked.regenerate is not None:
        return await sessions.regenerate(asked.session_id, asked.regenerate, **how)
    if asked.replace is not None:
        return await sessions.edit(asked.session_id, asked.replace, text, **how)
    return await sessions.send(asked.session_id, text, **how)


def sampling(asked: Sampling, settings: Settings) -> SamplingParams:
    """How to sample: as was asked, 0 included, and where nothing was, as the settings say."""
    by_default = sampling_of(settings)
    chosen = {name: getattr(by_default if getattr(asked, name) is None else asked, name) for name in _BY_SETTINGS}
    return SamplingParams(
        **chosen,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        seed=asked.seed,
        stop=tuple(asked.stop),
        logit_bias=tuple((int(token), bias) for token, bias in asked.logit_bias.items()),
    )


def tool_use(asked: Generation) -> ToolUse:
    """What the turn may do with tools."""
    only = None if asked.tools is None else frozenset(asked.tools)
    return ToolUse(_choice(asked), attended=asked.attended, allowed=frozenset(asked.allowed_tools), only=only)


def _choice(asked: Generation) -> ToolChoice | None:
    match asked.tool_choice:
        case NamedTool(name=name):
            return ToolChoice("named", name)
        case None if asked.tools is None:
            return None
        case None:
            return ToolChoice("auto") if asked.tools else ToolChoice("none")
        case mode:
            return ToolChoice(mode)


def reply_format(asked: ResponseFormat | None) -> Constraint | None:
    """What the reply has to be; None for free text."""
    if asked is None or asked.type == "text":
        return None
    schema = asked.json_schema.schema_ if asked.json_schema else {"type": "object"}
    return Constraint("json_schema", json.dumps(schema))
