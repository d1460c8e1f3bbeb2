"""Chat completions as OpenAI's clients ask for them."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["OpenAI-compatible"])
