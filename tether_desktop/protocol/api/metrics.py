"""What Prometheus reads: requests, speeds, queues, loads, memory."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["Monitoring"])
