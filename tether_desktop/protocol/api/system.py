"""What the port says of itself: the index, and whether it lives and is ready."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["The port"])
