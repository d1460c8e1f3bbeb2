"""An archive and folders for sessions, values of their own, unread answers; personas, saved prompts and drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Add them: nothing is archived, unread or in a folder, and all settings hold everywhere."""
    op.create_table(
        "folders", _id(), _text("name"), sa.Column("created_at", sa.BigInteger(), nullable=False), _key("folders")
    )
    op.create_table("personas", _id(), _text("name"), _text("model"), _text("overrides"), _key("personas"))
    op.create_table("snippets", _id(), _text("name"), _text("text"), _key("snippets"))
    op.create_table(
        "drafts", _id("session_id"), _text("draft"), sa.PrimaryKeyConstraint("session_id", name="pk_drafts")
    )
    for name in ("archived", "unread"):
        op.add_column("sessions", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    in_folder = sa.ForeignKey("folders.id", name="fk_sessions_folder_id_folders")
    # SQLite takes the reference as a part of the new column, and in no other way.
    op.add_column("sessions", sa.Column("folder_id", sa.String(32), in_folder, nullable=True), inline_references=True)
    op.add_column("sessions", sa.Column("persona", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("overrides", sa.Text(), nullable=False, server_default="{}"))
    for columns in (("archived", "deleted_at", "last_active", "id"), ("folder_id",)):
        op.create_index("_".join(("ix_sessions", *columns)), "sessions", columns)


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=f"pk_{table}")
