"""The application that answers on the local port: its routes, its gates and its errors."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

import tether_desktop
from tether_desktop import paths
from tether_desktop.protocol.api import folders, generations, models, sessions, system, tools
from tether_desktop.protocol.api.audience import Audience
from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.description import describe
from tether_desktop.protocol.api.error_answers import add_error_answers
from tether_desktop.protocol.api.gates.answer_headers import AnswerHeaders
from tether_desktop.protocol.api.gates.bounds import Bounds
from tether_desktop.protocol.api.gates.early_answers import EarlyAnswers
from tether_desktop.protocol.api.gates.last_words import LastWords
from tether_desktop.protocol.api.gates.limits import Limits
from tether_desktop.protocol.api.gates.security import Gate
from tether_desktop.protocol.api.gates.tokens import Tokens
from tether_desktop.protocol.api.monitoring import health, metrics
from tether_desktop.protocol.api.monitoring.monitor import Monitor
from tether_desktop.protocol.api.monitoring.request_log import RequestLog
from tether_desktop.protocol.api.openai import chat, completions
from tether_desktop.protocol.api.openai import models as openai_models
from tether_desktop.protocol.api.port.recent_requests import RecentRequests
from tether_desktop.protocol.api.session_pages import SessionPages

_ROUTERS = (
    system.router,
    sessions.router,
    folders.router,
    generations.router,
    models.router,
    tools.router,
    openai_models.router,
    chat.router,
    completions.router,
    metrics.router,
    health.router,
)

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Where OpenTelemetry is set up, FastAPI would send it what requests held."""


def make_app(
    core: Core,
    tokens: Tokens | None = None,
    bounds: Bounds | None = None,
    requests: RecentRequests | None = None,
) -> FastAPI:
    """The application over a running core, with all its gates.

    Args:
        core: what it offers.
        tokens: which open it; None takes those of the data folder.
        bounds: how much clients may take.
        requests: keeps the last ones, for a person who looks.
    """
    tokens = tokens or Tokens(paths.tokens_path())
    bounds = bounds or Bounds()
    app = make_routes()
    app.state.core = core
    app.state.audience = Audience()
    app.state.monitor = Monitor(core)
    app.state.session_pages = SessionPages(core)
    add_error_answers(app)
    # The last one added sees a request first.
    app.add_middleware(Limits, bounds=bounds)
    app.add_middleware(Gate, core=core, tokens=tokens, bounds=bounds)
    app.add_middleware(LastWords)
    app.add_middleware(EarlyAnswers, bounds=bounds)
    app.add_middleware(AnswerHeaders)
    app.add_middleware(RequestLog, observer=app.state.monitor.measurements, recent=requests)
    return app


def make_routes() -> FastAPI:
    """The routes and their description, with nothing behind them and no gate before them."""
    # The pages that FastAPI would bring fetch their scripts from elsewhere; `system` has its own.
    app = FastAPI(
        title="Tether",
        version=tether_desktop.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    for router in _ROUTERS:
        app.include_router(router)
    describe(app)
    return app
