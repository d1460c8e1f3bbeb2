"""Conversations: made, listed, read, renamed, pinned, branched, found, exported, imported and deleted."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["Conversations"])
