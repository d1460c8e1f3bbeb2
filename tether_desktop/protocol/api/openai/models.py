"""The models as OpenAI's clients list them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter

from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.protocol.api.core import TheCore
from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.openai.answers import ERRORS
from tether_desktop.protocol.api.openai.errors import OpenAIRoute
from tether_desktop.protocol.api.openai.replies import Model, ModelList

router = APIRouter(tags=["OpenAI-compatible"], route_class=OpenAIRoute, dependencies=[ChatScope])


@router.get("/v1/models", summary="List models", responses={code: ERRORS[code] for code in (401, "default")})
async def list_models(core: TheCore) -> ModelList:
    """The models that can be used: the default one, those of this computer by name, and those of servers."""
    entries = await asyncio.to_thread(core.catalog.list)
    default = core.completions.settings.default_model
    # Many clients take the first one; what nobody has chosen goes to no server.
    entries.sort(key=lambda entry: (entry.name != default, entry.kind == "remote", entry.name))
    return ModelList(data=[_model(entry) for entry in entries if entry.usable])


@router.get("/v1/models/{model:path}", summary="Show a model", responses=ERRORS)
async def retrieve_model(model: str, core: TheCore) -> Model:
    """A model that can be used; its name may have slashes in it."""
    return _model(await asyncio.to_thread(core.catalog.get, model))


def _model(entry: ModelEntry) -> Model:
    owner = entry.name.partition("/")[0] if entry.kind == "remote" else "tether"
    return Model(id=entry.name, created=_written(entry.path), owned_by=owner, context_window=entry.context_window)


def _written(path: Path) -> int:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0
