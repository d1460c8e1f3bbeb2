"""Errors as OpenAI's clients read them: a status, and a body that names the parameter at fault."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tether_desktop.errors import TetherError, showable
from tether_desktop.protocol.api.openai.body import JsonRequest
from tether_desktop.protocol.api.problem import status_of

_BY_STATUS = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "insufficient_permissions"),
    404: ("invalid_request_error", "unknown_url"),
    405: ("invalid_request_error", "method_not_allowed"),
    413: ("invalid_request_error", "request_too_large"),
    415: ("invalid_request_error", "unsupported_media_type"),
    429: ("requests", "rate_limit_exceeded"),
}
"""Type and code of what says no more than its status."""

_CODES = {"missing": "missing_required_parameter", "json_invalid": "bad_json"}
_PARAMS = {"model_not_found": "model"}
_OFFERED = (
    "Offered here are: GET /v1/models, GET /v1/models/{model}, POST /v1/chat/completions and POST /v1/completions."
)
_NO_JSON = "The body of the request is no JSON that can be read."


class RequestRefused(TetherError):
    """A request asks for what there is not, or contradicts itself.

    Attributes:
        param: the parameter at fault, as a path in the body; None where it is none of them.
    """

    code = "invalid_value"

    def __init__(
        self, message: str, param: str | None = None, *, code: str = "invalid_value", status: int = 400
    ) -> None:
        """Refuse with one of the codes of OpenAI's API."""
        super().__init__("The request cannot be answered", message)
        self.param = param
        self.code = code
        self.status = status


class InternalError(TetherError):
    """A fault of ours."""

    code = "internal_error"


class OpenAIRoute(APIRoute):
    """A route whose errors are told in OpenAI's form, whatever has raised them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, with its errors answered."""
        handle = super().get_route_handler()

        async def handle_and_answer(request: Request) -> Response:
            try:
                return await handle(JsonRequest(request.scope, request.receive))
            except (TetherError, RequestValidationError, HTTPException) as error:
                return error_response(error)

        return handle_and_answer


def error_response(error: TetherError | RequestValidationError | HTTPException) -> Response:
    """The answer to a request that failed."""
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    status = _status_of(error)
    if 500 > status != 429:
        # OpenAI's clients would try some of these again, by their status; nothing comes of that.
        headers["x-should-retry"] = "false"
    return JSONResponse(error_body(error), status, headers)


def error_body(error: TetherError | RequestValidationError | HTTPException) -> dict[str, Any]:
    """The JSON of an error."""
    if isinstance(error, RequestValidationError):
        return _body("invalid_request_error", *_validation(error))
    if isinstance(error, HTTPException):
        kind, code = _BY_STATUS.get(error.status_code, (_kind(error.status_code), getattr(error, "code", None)))
        return _body(kind, code, _http_message(error))
    message = f"{error.message} {error.hint}".strip()
    param = error.param if isinstance(error, RequestRefused) else _PARAMS.get(error.code)
    return _body(_kind(_status_of(error)), error.code, message, param)


def internal_error() -> TetherError:
    """What a client is told of a fault of ours."""
    return InternalError("A fault", "The server failed in a way that nobody expected.", "Its log says more.")


def _body(kind: str, code: str | None, message: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _status_of(error: TetherError | RequestValidationError | HTTPException) -> int:
    if isinstance(error, RequestValidationError):
        return 400
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestRefused):
        return error.status
    # A model that cannot be used is no conflict that passes: a client must not try again and again.
    return 400 if (status := status_of(error)) == HTTPStatus.CONFLICT else status


def _kind(status: int) -> str:
    return "server_error" if status >= 500 else "invalid_request_error"


def _http_message(error: HTTPException) -> str:
    if error.status_code in {404, 405}:
        return f"{HTTPStatus(error.status_code).phrase}. {_OFFERED}"
    if error.status_code == 400 and "parsing" in str(error.detail):
        return _NO_JSON
    return showable(str(error.detail))


def _validation(error: RequestValidationError) -> tuple[str, str, str | None]:
    """Code, message and parameter of the fault that lies deepest: of a union, what was meant."""
    places = [(_path(each["loc"][1:], error.body), each) for each in error.errors()]
    path, worst = max(places, key=lambda place: len(place[0]))
    code = _CODES.get(worst["type"], "invalid_type" if worst["type"].endswith("_type") else "invalid_value")
    if code == "bad_json" or not path:
        return code, _NO_JSON if code == "bad_json" else "The body of the request has to be a JSON object.", None
    param = showable(_written(path))
    if code == "missing_required_parameter":
        return code, f"Missing required parameter: '{param}'.", param
    return code, f"Invalid value for '{param}': {showable(worst['msg'])}.", param


def _path(loc: Sequence[int | str], body: Any) -> list[int | str]:
    """The steps of a place that lead into the body, and the last one where it is missing there.

    Names of the alternatives of unions are steps too, to pydantic.
    """
    path: list[int | str] = []
    for place, step in enumerate(loc):
        if (isinstance(body, Mapping) and step in body) or (isinstance(body, list) and isinstance(step, int)):
            path.append(step)
            body = body[step]  # type: ignore[index]
        elif place == len(loc) - 1 and isinstance(body, Mapping):
            path.append(step)
    return path


def _written(path: Sequence[int | str]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
