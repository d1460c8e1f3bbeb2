"""Turns: asked, followed, answered for, and stopped."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["Turns"])
