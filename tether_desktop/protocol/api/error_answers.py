"""Errors of all kinds as answers: what happened, what to do, and never a secret or what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tether_desktop.errors import TetherError, showable
from tether_desktop.protocol.api.openai.errors import error_response, internal_error
from tether_desktop.protocol.api.problem import problem, problem_of

OPENAI_PATHS = "/v1/"
"""Below it, errors have the form that OpenAI's clients read."""

_MOST_FAULTS = 20
_LONGEST_FAULT = 300
_MESSAGES = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
}


class Refusal(HTTPException):
    """A request that is turned away before a route has seen all of it.

    Attributes:
        code: a stable machine-readable name.
        title: a few words.
        message: what is wrong with it.
        remedy: what to do.
    """

    def __init__(
        self, status: int, code: str, title: str, message: str, remedy: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, f"{message} {remedy}", dict(headers or {}))
        self.code = code
        self.title = title
        self.message = message
        self.remedy = remedy


def add_error_answers(app: FastAPI) -> None:
    """Let an application answer every error that is expected."""
    for kind in (TetherError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)


def answer_to(path: str, error: TetherError | RequestValidationError | HTTPException) -> Response:
    """The answer to a request to ``path`` that failed so."""
    if path.startswith(OPENAI_PATHS):
        return error_response(error)
    body = _problem(error)
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(body, body["status"], headers)


def answer_to_fault(path: str) -> Response:
    """The answer to a request that ran into a fault of ours, of which it tells nothing."""
    if path.startswith(OPENAI_PATHS):
        response = error_response(internal_error())
        response.status_code = 500
        return response
    remedy = "The log has the details."
    message = "Something went wrong inside Tether. This is a fault of the program."
    return JSONResponse(problem(500, "internal_error", "A fault", message, remedy), 500)


async def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, TetherError | RequestValidationError | HTTPException):
        return answer_to(request.scope["path"], error)
    raise error


def _problem(error: TetherError | RequestValidationError | HTTPException) -> dict[str, Any]:
    match error:
        case TetherError():
            return problem_of(error)
        case RequestValidationError():
            return _problem_of_fields(error)
        case Refusal():
            return problem(error.status_code, error.code, error.title, error.message, error.remedy)
        case _:
            return _problem_of_status(error)


def _problem_of_status(error: HTTPException) -> dict[str, Any]:
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:
        # What FastAPI says of a body that cannot be decoded.
        return _unreadable()
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    message = _MESSAGES.get(status) or f"{status.description or status.phrase}."
    allowed = (error.headers or {}).get("Allow")
    remedy = f"It takes {allowed}." if allowed else "/docs shows what there is."
    return problem(status, code, status.phrase.capitalize(), message, remedy)


def _unreadable() -> dict[str, Any]:
    message = "The body of the request is no JSON in UTF-8."
    return problem(400, "invalid_json", "The request cannot be read", message, "Send a JSON document.")


def _problem_of_fields(error: RequestValidationError) -> dict[str, Any]:
    faults = error.errors()
    if any(each["type"] == "json_invalid" for each in faults):
        return _unreadable()
    errors = [{"field": _field(each["loc"]), "message": _shown(str(each["msg"]))} for each in faults[:_MOST_FAULTS]]
    message = " ".join(f"{each['field']}: {each['message']}." for each in errors)
    body = problem(422, "invalid_request", "The request has a value that cannot be used", showable(message), _CORRECT)
    return {**body, "errors": errors}


_CORRECT = "Correct what is named; /docs shows what each field takes."


def _field(place: tuple[int | str, ...]) -> str:
    """Where a fault lies, without the part of the request where that is plain: ``tools.0.name``."""
    names = place[1:] if len(place) > 1 and place[0] in {"body", "query", "path", "header"} else place
    return _shown(".".join(map(str, names)))


def _shown(text: str) -> str:
    shown = showable(text)
    return shown if len(shown) <= _LONGEST_FAULT else shown[: _LONGEST_FAULT - 1] + "…"
