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
    """CREATE TRIGGER message_words_inserted AFTER INSERT ON message_words BEGIN
        INSERT INTO message_search (rowid, words) VALUES (new.number, new.words);
    END""",
    """CREATE TRIGGER message_words_deleted AFTER DELETE ON message_words BEGIN
        INSERT INTO message_search (message_search, rowid, words) VALUES ('delete', old.number, old.words);
    END""",
)


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
    op.create_index("ix_message_words_message_id", "message_words", ["message_id"], unique=True)
    if is_sqlite:
        for statement in _SQLITE:
            op.execute(statement)
    else:
        op.create_index("ix_message_words_words", "message_words", ["words"], postgresql_using="gin")
    index_all_messages(connection)
