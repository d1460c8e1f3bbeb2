"""What Prometheus reads: requests, speeds, queues, loads, memory."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from tether_desktop.protocol.api.gates.security import ChatScope
from tether_desktop.protocol.api.monitoring.monitor import Monitor
from tether_desktop.protocol.api.refusals import refusals


async def monitor_of(request: Request) -> Monitor:
    """What watches over the core behind the application that serves a request."""
    monitor: Monitor = request.app.state.monitor
    return monitor


TheMonitor = Annotated[Monitor, Depends(monitor_of)]
"""Annotates a route's parameter that is to be the monitor."""

router = APIRouter(tags=["Monitoring"])

_EXAMPLE = """\
# HELP tether_replies_total Replies that are over, of conversations or completions, by how they ended.
# TYPE tether_replies_total counter
tether_replies_total{ending="stop",model="SmolLM2-360M-Instruct-q4f32_1-MLC",source="conversation"} 17.0
"""


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Read all figures",
    description="""\
What has been measured since the port was opened, whichever client it was for, the window included, and what is true
just now: in the format of Prometheus, or as OpenMetrics where `Accept` asks for that. Nothing in it tells what was
said, or in which conversation.""",
    response_class=Response,
    responses={
        200: {
            "description": "The figures.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **refusals(),
    },
    dependencies=[ChatScope],
)
async def read_metrics(request: Request, monitor: TheMonitor) -> Response:
    """Tell the figures."""
    body, media_type = await monitor.told(request.headers.get("accept", ""))
    return Response(body, headers={"content-type": media_type})
