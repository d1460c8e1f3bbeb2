"""Sessions that are shown before the others, and how many tokens messages have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Add the columns: nothing is pinned, and nobody has counted."""
    op.add_column("sessions", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_sessions_pinned_deleted_at_last_active_id", "sessions", ["pinned", "deleted_at", "last_active", "id"]
    )
    op.add_column("messages", sa.Column("tokens", sa.Integer(), nullable=True))
