"""How the API's description tells of answers: a whole one or a stream, or an error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tether_desktop.protocol.api.openai.replies import ErrorAnswer

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The request cannot be answered as it is; `param` says why."},
    401: {"model": ErrorAnswer, "description": "There is no token, or a wrong one."},
    404: {"model": ErrorAnswer, "description": "There is no such model."},
    500: {"model": ErrorAnswer, "description": "The engine failed."},
    "default": {"model": ErrorAnswer, "description": "Any other error, in the same form."},
}


def with_stream(whole: type[BaseModel], chunk: type[BaseModel]) -> dict[str, Any]:
    """An answer that is JSON, or server-sent events where that was asked for."""
    description = f"With `stream`: each event is a {chunk.__name__}, and after the last one comes `[DONE]`."
    events = {"schema": {"type": "string", "description": description}}
    return {"model": whole, "description": "The reply.", "content": {"text/event-stream": events}}
