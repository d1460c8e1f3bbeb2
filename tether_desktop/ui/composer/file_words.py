"""What is said and shown of a file that goes with a question."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import QLocale, QObject

from tether_desktop.messages import Attachment
from tether_desktop.ui.size_text import size_text

_CODES = (
    ".c .cc .cpp .cs .css .go .h .hpp .html .java .js .json .jsx .kt .lua .php .pl .ps1 .py .r .rb .rs .sh .sql .swift "
    ".toml .ts .tsx .xml .yaml .yml"
)
_CODE = frozenset(_CODES.split())
_SHEETS = frozenset((".csv", ".tsv", ".xlsx", ".ods"))


class FileWords(QObject):
    """Words with a number in them: Qt's tool collects their plurals from the methods of QObjects alone."""

    def tokens(self, count: int) -> str:
        """So many tokens."""
        return self.tr("%n token(s)", "", count)


def file_icon(name: str) -> str:
    """The Lucide icon of a file's kind."""
    ending = PurePath(name).suffix.casefold()
    if ending in _CODE:
        return "file-code"
    return "file-spreadsheet" if ending in _SHEETS else "file-text"


def token_text(tokens: int) -> str:
    """A number of tokens for people: "1,280 tokens"."""
    words = FileWords().tokens(tokens)
    return words.replace(str(tokens), QLocale().toString(tokens), 1)


def file_facts(attachment: Attachment, tokens: int | None) -> str:
    """Size and cost, as far as they are known."""
    facts = [size_text(attachment.size)]
    if tokens is not None:
        facts.append(token_text(tokens))
    return " · ".join(facts)
