"""The lines of a turn as schemas, made of the events themselves, so that the two cannot disagree."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, Union, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from tether_desktop.events import Event

EXAMPLE_LINES = """\
{"type":"title","title":"Why is the sky blue"}
{"type":"status","stage":"reading_prompt","progress":0.5}
{"type":"token","content":"Air scatters"}
{"type":"token","content":" blue light most."}
{"type":"done","finish_reason":"stop","usage":{"prompt_tokens":31,"cached_tokens":0,"completion_tokens":7},\
"timings":{"queued_s":0.0,"prefill_s":0.12,"first_token_s":0.14,"decode_s":0.21}}
"""


def _schema_of(kind: type) -> type[BaseModel]:
    hints = get_type_hints(kind)
    known: dict[str, Any] = {"type": (Literal[kind.type], ...)}  # type: ignore[attr-defined]
    for each in fields(kind):
        default = Field(default_factory=each.default_factory) if each.default_factory is not MISSING else each.default
        known[each.name] = (hints[each.name], ... if default is MISSING else default)
    config = ConfigDict(json_schema_serialization_defaults_required=True)
    model: type[BaseModel] = create_model(f"{kind.__name__}Line", __config__=config, **known)
    model.__doc__ = inspect.cleandoc(kind.__doc__ or "").replace("``", "`").replace("None", "null")
    return model


EVENT_SCHEMAS = {kind.type: _schema_of(kind) for kind in get_args(Event)}
"""By the line's type."""

AnyLine = Annotated[Union[tuple(EVENT_SCHEMAS.values())], Field(discriminator="type")]  # type: ignore[valid-type]  # noqa: UP007
"""One line of a turn."""
