"""Full-text search over what is visible of the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from tether_desktop.context.search_index import index_all_messages
from tether_desktop.context.tables import Lexemes

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0004"
down_revision = "0003"

# Only which words a message has is kept, not where: that is looked up in the messages found. The words come folded
# and parted, so the simplest tokenizer does; beginnings of up to three letters have an index of their own.
_SQLITE = (
    """CREATE VIRTUAL TABLE message_search USING fts5(
        words, content='message_words', content_rowid='number',
        tokenize='ascii', detail='none', columnsize=0, prefix='1 2 3')""",
    "CREATE VIRTUAL TABLE message_search_terms USING fts5vocab(message_search, row)",
)

# How many bytes of the index are gathered in memory before they are written; 1 MiB is what SQLite starts with.
_GATHER_MUCH = "INSERT INTO message_search (message_search, rank) VALUES ('hashsize', 33554432)"
_GATHER_LITTLE = "INSERT INTO message_search (message_search, rank) VALUES ('hashsize', 1048576)"

# With the usual 100 PostgreSQL takes most rare words for common ones, and looks for them message by message.
_COUNT_MORE = "ALTER TABLE message_words ALTER COLUMN words SET STATISTICS 1000"


def upgrade(op: Operations) -> None:
    """Create the index, and bring all messages into it."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    op.create_table(
        "message_words",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.Column("words", sa.Text() if is_sqlite else Lexemes(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_message_words"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_message_words_message_id_messages"),
    )
    for statement in (*_SQLITE, _GATHER_MUCH) if is_sqlite else ():
        op.execute(statement)
    index_all_messages(connection)
    # Sorting once costs a fraction of what keeping a growing index right does.
    op.create_index("ix_message_words_message_id", "message_words", ["message_id"], unique=True)
    if is_sqlite:
        op.execute(_GATHER_LITTLE)
    else:
        op.create_index("ix_message_words_words", "message_words", ["words"], postgresql_using="gin")
        op.execute(_COUNT_MORE)
