"""Models: listed, loaded with progress, and unloaded."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["Models"])
