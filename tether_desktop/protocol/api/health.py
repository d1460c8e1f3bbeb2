"""Whether the port lives, and whether questions can be answered."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field

from tether_desktop.model.pool.slot import StateName
from tether_desktop.protocol.api.metrics import TheMonitor
from tether_desktop.protocol.api.problem import problem
from tether_desktop.protocol.api.readiness import Condition
from tether_desktop.protocol.api.schemas import Problem, Told
from tether_desktop.protocol.api.security import bearer_of

router = APIRouter(tags=["Monitoring"])


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


@router.get("/healthz", response_model=Alive)
async def is_alive() -> Alive:
    """Say that the program runs and comes to its requests. Needs no token, and looks at nothing else."""
    return Alive()


@router.get(
    "/readyz",
    response_model=Ready,
    response_model_exclude_none=True,
    responses={503: {"model": Problem, "description": "The database does not answer, or no model can."}},
)
async def is_ready(request: Request, monitor: TheMonitor) -> Response:
    """Say whether a question would be answered: the database answers within two seconds, and there is a model that
    can be loaded, or is.

    Needs no token; with one, the answer says what lies behind it: models that are loaded, being loaded or failed, and
    what exactly does not work.
    """
    condition = await monitor.readiness.look()
    told = _details(condition) if bearer_of(request) else {}
    if condition.ready:
        return JSONResponse({"status": "ready", **told})
    return JSONResponse({**_problem(condition, detailed=bool(told)), **told}, 503)


def _problem(condition: Condition, *, detailed: bool) -> dict[str, Any]:
    broken = [part for part in condition.parts if not part.works]
    message = " ".join(part.detail if detailed and part.detail else part.message for part in broken)
    # A hint may name files and models as well.
    remedies = [part.remedy for part in broken] if detailed else ["`tether doctor` on this computer says more."]
    body = problem(503, "not_ready", "No question can be answered", message, " ".join(remedies))
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
