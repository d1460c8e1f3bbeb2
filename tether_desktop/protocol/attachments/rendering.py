"""Writes a question with its files as a model reads it: marked, so that nothing in a file can end its mark."""

from __future__ import annotations

import re

from tether_desktop.messages import Attachment, Message

_MARK = re.compile(r"<(?=\s*/?\s*attached_file\b)", re.IGNORECASE)
"""Where the text of a file would begin or end one."""

_BLOCK = re.compile(r'<attached_file name="[^"]*">\n.*?\n</attached_file>', re.DOTALL)
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f"<>]')


def question_text(message: Message) -> str:
    """What a model reads of a person's message: its files, then what was typed."""
    files = [file_text(file) for file in message.attachments]
    typed = [message.text] if message.text.strip() or not files else []
    return "\n\n".join([*files, *typed])


def file_text(file: Attachment) -> str:
    """What a model reads of a file."""
    name = _NOT_IN_NAMES.sub("_", file.name)
    return f'<attached_file name="{name}">\n{_MARK.sub("< ", file.text)}\n</attached_file>'


def without_files(text: str) -> str:
    """A text of :func:`question_text` without its files."""
    return _BLOCK.sub("", text)
