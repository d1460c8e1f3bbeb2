"""Whether the port lives, and whether questions can be answered."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from tether_desktop.model.pool.slot import StateName
from tether_desktop.protocol.api.gates.security import bearer_of
from tether_desktop.protocol.api.monitoring.metrics import TheMonitor
from tether_desktop.protocol.api.monitoring.readiness import Condition
from tether_desktop.protocol.api.ndjson import JsonResponse
from tether_desktop.protocol.api.problem import problem
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import Problem, Told

router = APIRouter(tags=["Monitoring"])

_TITLE = "No question can be answered"


class Alive(Told):
    """The port answers."""

    status: Literal["ok"] = "ok"


class UsedModel(Told):
    """A model that was used since the program began."""

    model: str = Field(description="Its name.")
    state: StateName = Field(description="What became of it.")
    progress: float | None = Field(None, description="From 0 to 1 while it is loaded.")
    message: str = Field("", description="Why it failed.")
    remedy: str = Field("", description="What to do about that; the next question tries again.")


class Ready(Told):
    """Questions are answered; what lies behind that is told to those who have a token."""

    model_config = ConfigDict(extra="allow", json_schema_serialization_defaults_required=False)

    status: Literal["ready"] = "ready"
    database: str | None = Field(None, description="The database and its version.")
    conversations: int | None = Field(None, description="How many there are, without those in the bin.")
    usable_models: list[str] | None = Field(None, description="The models that could answer.")
    models: list[UsedModel] | None = Field(None, description="What became of the models that were used so far.")


class NotReady(Problem):
    """Questions cannot be answered now."""

    parts: dict[str, str] = Field(description="The error's code, or `ok`, of the `store` and of the `models`.")


_READY = {
    "status": "ready",
    "database": "SQLite 3.45.1",
    "conversations": 12,
    "usable_models": ["SmolLM2-360M-Instruct-q4f32_1-MLC"],
    "models": [
        {
            "model": "SmolLM2-360M-Instruct-q4f32_1-MLC",
            "state": "loading",
            "progress": 0.4,
            "message": "",
            "remedy": "",
        }
    ],
}
_NOT_READY = {
    **problem(503, "not_ready", _TITLE, "There is no model that can be used.", "Add one."),
    "parts": {"store": "ok", "models": "model_not_found"},
}


@router.get(
    "/healthz",
    operation_id="alive",
    summary="See whether the program lives",
    description="Answers as long as the program comes to its requests, and looks at nothing else. It takes no token.",
    response_class=JsonResponse,
    responses={200: answer("It lives.", Alive, {"status": "ok"}), **refusals()},
)
async def is_alive() -> Response:
    """Answer."""
    return JsonResponse({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="ready",
    summary="See whether questions can be answered",
    description="""\
They can when the database answers within two seconds, and a model is loaded or could be. It takes no token; with one,
the answer also says what lies behind it: which models are loaded, being loaded or failed, and what exactly does not
work and what to do about it.""",
    response_class=JsonResponse,
    responses={
        200: answer("They can.", Ready, _READY),
        **refusals(),
        503: answer("The database does not answer, or no model can.", NotReady, _NOT_READY),
    },
)
async def is_ready(request: Request, monitor: TheMonitor) -> Response:
    """Look, and tell."""
    condition = await monitor.readiness.look()
    told = _details(condition) if bearer_of(request) else {}
    if condition.ready:
        return JsonResponse({"status": "ready", **told})
    return JsonResponse({**_problem(condition, detailed=bool(told)), **told}, 503)


def _problem(condition: Condition, *, detailed: bool) -> dict[str, Any]:
    broken = [part for part in condition.parts if not part.works]
    message = " ".join(part.detail if detailed and part.detail else part.message for part in broken)
    # A hint may name files and models as well.
    remedies = [part.remedy for part in broken] if detailed else ["`tether doctor` on this computer says more."]
    body = problem(503, "not_ready", _TITLE, message, " ".join(remedies))
    return {**body, "parts": {part.name: part.code or "ok" for part in condition.parts}}


def _details(condition: Condition) -> dict[str, Any]:
    statistics = condition.statistics
    return {
        "database": statistics.version if statistics else None,
        "conversations": statistics.sessions if statistics else None,
        "usable_models": list(condition.usable),
        "models": [
            {
                "model": model,
                "state": state.state,
                "progress": state.progress,
                "message": state.error.message if state.error else "",
                "remedy": state.error.hint if state.error else "",
            }
            for model, state in condition.states.items()
        ],
    }
