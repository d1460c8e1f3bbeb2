"""The application that answers on the local port: its routes, its gates and its errors."""

from __future__ import annotations

from fastapi import FastAPI

import tether_desktop
from tether_desktop.protocol.api import generations, metrics, models, sessions, system, tools
from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.openai import chat, completions, elsewhere
from tether_desktop.protocol.api.openai import models as openai_models

_ROUTERS = (
    system.router,
    sessions.router,
    generations.router,
    models.router,
    tools.router,
    openai_models.router,
    chat.router,
    completions.router,
    elsewhere.router,
    metrics.router,
)


def make_app(core: Core) -> FastAPI:
    """The application over a running core."""
    app = FastAPI(title="Tether", version=tether_desktop.__version__)
    app.state.core = core
    for router in _ROUTERS:
        app.include_router(router)
    return app
