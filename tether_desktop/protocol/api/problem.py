"""Errors as answers: a status, and a body that says what happened and what to do."""

from __future__ import annotations

from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.logs import request_id

_STATUSES = {
    "model_not_found": 404,
    "session_not_found": 404,
    "message_not_found": 404,
    "folder_not_found": 404,
    "persona_not_found": 404,
    "snippet_not_found": 404,
    "tool_not_found": 404,
    "turn_not_found": 404,
    "session_busy": 409,
    "name_taken": 409,
    "continuation_refused": 409,
    "already_running": 409,
    "model_error": 409,
    "model_broken": 409,
    "model_unprepared": 409,
    "library_mismatch": 409,
    "library_untrusted": 409,
    "context_length_exceeded": 400,
    "constraint_refused": 400,
    "tool_error": 400,
    "settings_error": 400,
    "import_error": 400,
    "name_unfit": 400,
    "attachment_problem": 400,
    "error": 400,
    "no_answer": 422,
    "engine_error": 500,
    "engine_died": 500,
    "install_error": 502,
    "server_error": 502,
    "mcp_server_error": 502,
    "store_error": 503,
    "store_busy": 503,
    "store_damaged": 503,
    "store_too_new": 503,
    "backup_failed": 503,
    "store_full": 507,
}
"""By the error's code; what is not here is a fault of ours."""


def status_of(error: TetherError) -> int:
    """The HTTP status of a known error."""
    return status_of_code(error.code)


def status_of_code(code: str) -> int:
    """The HTTP status of an error's code."""
    return _STATUSES.get(code, 500)


def problem(status: int, code: str, title: str, message: str, remedy: str = "") -> dict[str, Any]:
    """The body of an error (RFC 9457), with our code and what to do."""
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": message,
        "code": code,
        "message": message,
        "remedy": remedy,
        **({"request_id": marked} if (marked := request_id()) else {}),
    }


def problem_of(error: TetherError) -> dict[str, Any]:
    """The body of a known error."""
    return problem(status_of(error), error.code, error.title, error.message, error.hint)
