"""Models: listed, loaded with progress, and unloaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from starlette.responses import Response

from tether_desktop.errors import EngineError, ModelError, TetherError
from tether_desktop.events import ErrorEvent, Status, to_wire
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.protocol.api.core import Core, TheCore
from tether_desktop.protocol.api.gates.security import ChatScope, ManageScope
from tether_desktop.protocol.api.model_schemas import MODEL, ListedModel, ModelRequest, Models
from tether_desktop.protocol.api.ndjson import NDJSON, JsonResponse, NdjsonResponse, to_line
from tether_desktop.protocol.api.refusals import answer, refusals
from tether_desktop.protocol.api.schemas import Detail, examples

router = APIRouter(tags=["Models"])

_CONFIG = "mlc-chat-config.json"
_NAMED = examples(by_its_name={"model_name": MODEL["model_name"]})
_PATIENCE_S = 1.0
_LOADING = """\
{"type":"status","stage":"loading_model","progress":0.5}
{"type":"model","model":{"model_name":"SmolLM2-135M-Instruct-q4-MLC","state":"ready","usable":true}}
"""


@router.get(
    "/models",
    operation_id="list_models",
    summary="List models",
    description="""\
All models of this computer and of the servers that were added; of those that cannot be used, why, and what to do.""",
    response_class=JsonResponse,
    responses={200: answer("The models.", Models, {"models": [MODEL]}), **refusals()},
    dependencies=[ChatScope],
)
async def list_models(core: TheCore) -> Response:
    """List models."""
    entries = await asyncio.to_thread(core.catalog.list)
    states = core.pool.states()
    return JsonResponse({"models": [model_json(entry, states.get(entry.name)) for entry in entries]})


@router.post(
    "/models/load",
    operation_id="load_model",
    summary="Load a model",
    description="""\
Loads a model so that its next answer starts at once. Lines of JSON tell how far it is: `status` lines, and then one
`model` or `error` line. A client that hangs up waits no longer; others that wait for the same model are not disturbed,
and without any the load ends.""",
    response_class=NdjsonResponse,
    responses={
        200: {
            "description": "How far it is, line by line.",
            "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/LoadLine"}, "example": _LOADING}},
        },
        **refusals(404, 409, 422, 500, 502),
    },
    dependencies=[ManageScope],
)
async def load_model(asked: Annotated[ModelRequest, Body(openapi_examples=_NAMED)], core: TheCore) -> Response:
    """Load a model."""
    await asyncio.to_thread(core.catalog.get, asked.model_name)
    loading = _loading(core, asked.model_name)
    # Waited for before the headers are sent, so that what fails at once gets a status of its own.
    first = await anext(loading)
    return NdjsonResponse(_following(first, loading))


@router.post(
    "/models/unload",
    operation_id="unload_model",
    summary="Unload a model",
    description="Frees a model's memory; a load that runs is stopped. One that is answering gets 409.",
    response_class=JsonResponse,
    responses={
        200: answer("What was done.", Detail, {"detail": f"{MODEL['model_name']} is unloaded."}),
        **refusals(404, 409, 422),
    },
    dependencies=[ManageScope],
)
async def unload_model(asked: Annotated[ModelRequest, Body(openapi_examples=_NAMED)], core: TheCore) -> Response:
    """Unload a model."""
    name = asked.model_name
    state = core.pool.states().get(name, ModelState())
    if state.state in {"unloaded", "failed"}:
        await asyncio.to_thread(core.catalog.find, name)
        return JsonResponse({"detail": f"{name} was not loaded."})
    try:
        await core.pool.unload(name)
    except EngineError as error:
        raise ModelError(error.title, error.message, error.hint) from error
    return JsonResponse({"detail": f"{name} is unloaded."})


@router.get(
    "/models/{model_name:path}",
    operation_id="get_model",
    summary="Look at a model",
    description="A model with its state; where it cannot be used, why, and what to do.",
    response_class=JsonResponse,
    responses={200: answer("The model.", ListedModel, MODEL), **refusals(404, 422)},
    dependencies=[ChatScope],
)
async def get_model(
    model_name: Annotated[str, Path(max_length=500, description="As `GET /models` lists it.")], core: TheCore
) -> Response:
    """Show a model."""
    return JsonResponse(await _model(core, model_name))


def model_json(entry: ModelEntry, state: ModelState | None) -> dict[str, Any]:
    """A model and what became of it."""
    state = state or ModelState()
    config = entry.model_dir / _CONFIG
    return {
        "model_name": entry.name,
        "model_dir": str(entry.model_dir),
        "config_path": "" if entry.kind == "remote" else str(config),
        "kind": entry.kind,
        "usable": entry.usable,
        "reason": entry.reason,
        "remedy": entry.remedy,
        "code": entry.code,
        "model_type": entry.model_type,
        "quantization": entry.quantization,
        "context_window": state.info.context_window if state.info else entry.context_window,
        "size_bytes": entry.size_bytes,
        "state": state.state,
        "progress": state.progress,
        "device": state.info.device if state.info else "",
        "memory_bytes": state.info.memory_bytes if state.info else 0,
        "error": state.error.message if state.error else "",
    }


async def _model(core: Core, name: str) -> dict[str, Any]:
    entry = await asyncio.to_thread(core.catalog.find, name)
    return model_json(entry, core.pool.states().get(name))


async def _loading(core: Core, name: str) -> AsyncGenerator[dict[str, Any], None]:
    """How far a load is, and at its end the model; leaving it gives the load up."""
    told: asyncio.Queue[Status | None] = asyncio.Queue()
    so_far = core.pool.states().get(name, ModelState())
    if so_far.state == "loading":
        told.put_nowait(Status("loading_model", so_far.progress))
    # Nobody waits for headers longer than this, whatever the load waits for.
    patience = asyncio.get_running_loop().call_later(_PATIENCE_S, told.put_nowait, Status("loading_model"))
    load = asyncio.create_task(core.pool.load(name, lambda progress: _tell(told, progress)))
    load.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (status := await told.get()) is not None:
            patience.cancel()
            yield to_wire(status)
        await load
        yield {"type": "model", "model": await _model(core, name)}
    finally:
        patience.cancel()
        load.cancel()
        await asyncio.wait([load])


def _tell(told: asyncio.Queue[Status | None], progress: float) -> None:
    # That it has begun is no news yet: it may still fail at once.
    if progress > 0:
        told.put_nowait(Status("loading_model", progress))


async def _following(
    first: dict[str, Any], loading: AsyncGenerator[dict[str, Any], None]
) -> AsyncGenerator[bytes, None]:
    try:
        yield to_line(first)
        async for line in loading:
            yield to_line(line)
    except TetherError as error:
        yield to_line(to_wire(ErrorEvent(error.message, error.code, error.title, error.hint)))
    finally:
        await loading.aclose()
