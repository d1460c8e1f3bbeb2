"""Schema versions of the database: which one it has, and how it gets to the newest."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from tether_desktop.context.migrations import (
    v0001_sessions_and_messages,
    v0002_tool_rules,
    v0003_pins_and_token_counts,
    v0004_full_text_search,
    v0005_archive_folders_and_drafts,
)

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep

_VERSION_TABLE = "alembic_version"

REVISIONS: tuple[ModuleType, ...] = (
    v0001_sessions_and_messages,
    v0002_tool_rules,
    v0003_pins_and_token_counts,
    v0004_full_text_search,
    v0005_archive_folders_and_drafts,
)
"""Every revision, oldest first.

They are imported, not found on disk as Alembic does by default, so that a frozen bundle (which has
no source files) migrates exactly like a checkout.
"""


def newest_revision() -> str:
    """The version this program writes."""
    return str(REVISIONS[-1].revision)


def known_revisions() -> frozenset[str]:
    """The versions this program can read or bring up to date."""
    return frozenset(module.revision for module in REVISIONS)


def current_revision(connection: Connection) -> str | None:
    """The version of the database; None when it has never been migrated."""
    # Read without Alembic, which costs 12 MB and is needed only when there is something to migrate.
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608  (a constant)


def upgrade(connection: Connection) -> None:
    """Run what the database lacks, inside the transaction that the connection is in."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"fn": _missing_steps})
    context.run_migrations(op=Operations(context))


def _missing_steps(heads: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
    from alembic.runtime.migration import RevisionStep
    from alembic.script import Script
    from alembic.script.revision import RevisionMap

    scripts = {module.revision: Script(module, module.revision, module.__name__) for module in REVISIONS}
    revision_map = RevisionMap(scripts.values)
    missing = revision_map.iterate_revisions(newest_revision(), heads or None, implicit_base=True)
    oldest_first = reversed([scripts[each.revision] for each in missing])
    return [RevisionStep(revision_map, script, is_upgrade=True) for script in oldest_first]
