"""The database schema: sessions, and messages that form a tree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    cast,
    false,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, UserDefinedType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970.

    Databases disagree on time zones and on the precision of their own types; integers compare and
    sort the same everywhere.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The column's value for an aware time; a naive one is refused with TypeError."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The aware time of a column's value."""
        return None if value is None else EPOCH + value * MICROSECOND


class PlainText(TypeDecorator[str]):
    """Text that every database takes: no NUL, and no half of a surrogate pair.

    Both can be pasted into a text field, and either makes the driver refuse the whole row.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text with U+FFFD in place of what cannot be stored."""
        return None if value is None else _storable(value)


class Key(TypeDecorator[str]):
    """An id; what is asked for by clients may hold characters of which databases know nothing."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text with U+FFFD in place of what no id has."""
        return None if value is None else _storable(value)


def _storable(text: str) -> str:
    plain = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Tables(DeclarativeBase):
    """All tables; constraint names are spelled out so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class FolderTable(Tables):
    """A folder of conversations."""

    __tablename__ = "folders"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(PlainText)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class PersonaTable(Tables):
    """Values of settings under a name; ``overrides`` is JSON."""

    __tablename__ = "personas"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(PlainText)
    model: Mapped[str] = mapped_column(PlainText)
    overrides: Mapped[str] = mapped_column(Text)


class SnippetTable(Tables):
    """A prompt that was saved."""

    __tablename__ = "snippets"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(PlainText)
    text: Mapped[str] = mapped_column(PlainText)


class DraftTable(Tables):
    """What was typed in a session and not sent, as JSON.

    ``session_id`` is no foreign key: it is empty for the chat that is not begun yet.
    """

    __tablename__ = "drafts"

    session_id: Mapped[str] = mapped_column(Key, primary_key=True)
    draft: Mapped[str] = mapped_column(Text)


class SessionTable(Tables):
    """A conversation; the columns are in the order of SessionRecord's fields.

    ``head_id`` is no foreign key: it would make the two tables refer to each other, which no
    database creates or deletes in one statement.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    title: Mapped[str] = mapped_column(PlainText)
    model: Mapped[str] = mapped_column(PlainText)
    head_id: Mapped[str | None] = mapped_column(Key)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_active: Mapped[datetime] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    pinned: Mapped[bool] = mapped_column(server_default=false())
    archived: Mapped[bool] = mapped_column(server_default=false())
    folder_id: Mapped[str | None] = mapped_column(ForeignKey("folders.id"))
    unread: Mapped[bool] = mapped_column(server_default=false())
    persona: Mapped[str] = mapped_column(PlainText, server_default="")
    overrides: Mapped[str] = mapped_column(Text, server_default="{}")

    __table_args__ = (
        Index(None, "deleted_at", "last_active", "id"),
        Index(None, "pinned", "deleted_at", "last_active", "id"),
        Index(None, "archived", "deleted_at", "last_active", "id"),
        Index(None, "folder_id"),
    )


class MessageTable(Tables):
    """A message; ``parts`` is JSON, the counts and durations are those of Usage and Timings.

    Within a session ``created_at`` grows strictly, so it orders siblings and puts every parent
    before its children. The long ``parts`` come after most columns: reading those then skips them.
    """

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    role: Mapped[str] = mapped_column(String(16))
    finish_reason: Mapped[str | None] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(PlainText)
    error: Mapped[str] = mapped_column(PlainText)
    prompt_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    queued_s: Mapped[float | None] = mapped_column(Double)
    prefill_s: Mapped[float | None] = mapped_column(Double)
    first_token_s: Mapped[float | None] = mapped_column(Double)
    decode_s: Mapped[float | None] = mapped_column(Double)
    parts: Mapped[str] = mapped_column(Text)
    tokens: Mapped[int | None]

    __table_args__ = (
        Index(None, "session_id", "created_at"),
        Index(None, "parent_id", "session_id", "created_at"),
        Index(None, "role", "finish_reason"),
    )


class Lexemes(UserDefinedType[str]):
    """PostgreSQL's ``tsvector`` of words that were parted already, given with spaces between them."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The type's name in SQL."""
        return "TSVECTOR"

    def bind_expression(self, bindvalue: BindParameter[str]) -> ColumnElement[str]:
        """The vector of the words."""
        return func.array_to_tsvector(func.string_to_array(cast(bindvalue, Text), " "))


class LexemeQuery(UserDefinedType[str]):
    """PostgreSQL's ``tsquery``."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The type's name in SQL."""
        return "TSQUERY"


class MessageWordsTable(Tables):
    """What the search index keeps of a finished message: the different words of its visible text.

    ``number`` is its time in microseconds, or a little more where that is taken, so that the newest have the greatest.
    SQLite's full-text index ``message_search`` has no text of its own but points here; whoever changes a row tells it
    (``search_index.py``). In PostgreSQL an index of this table does all.
    """

    __tablename__ = "message_words"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    words: Mapped[str] = mapped_column(Text().with_variant(Lexemes(), "postgresql"))

    __table_args__ = (Index(None, "message_id", unique=True),)


class ToolRuleTable(Tables):
    """What a person has said, for one session, about the calls of a tool: "always" or "never"."""

    __tablename__ = "tool_rules"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    tool: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule: Mapped[str] = mapped_column(String(16))
