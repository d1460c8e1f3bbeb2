"""The models as OpenAI's clients list them."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["OpenAI-compatible"])
