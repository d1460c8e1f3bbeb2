"""What a person has said, for one session, about the calls of a tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "tool_rules",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "tool", name="pk_tool_rules"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_tool_rules_session_id_sessions"),
    )
