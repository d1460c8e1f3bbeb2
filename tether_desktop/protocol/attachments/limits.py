"""How much may go with a question, and the error when it is more."""

from __future__ import annotations

from tether_desktop.byte_size import byte_size_text
from tether_desktop.errors import AttachmentProblem

LARGEST_FILE = 20_000_000
"""Bytes of a file."""

MOST_CHARACTERS = 1_000_000
"""Of its text: more than nearly every model keeps in mind."""

TITLE = "The file cannot be attached"


def problem(message: str, hint: str = "") -> AttachmentProblem:
    """Why a file cannot go with a question."""
    return AttachmentProblem(TITLE, message, hint)


def file_too_large(name: str, size: int) -> AttachmentProblem:
    """The error of a file of so many bytes."""
    message = f"{name} has {byte_size_text(size)}; a file may have {byte_size_text(LARGEST_FILE)}."
    return problem(message, "Attach a part of it.")


def text_too_long(name: str) -> AttachmentProblem:
    """The error of a file with more text than that."""
    message = f"{name} has more than {MOST_CHARACTERS:,} characters of text."
    return problem(message, "Attach the part that the question is about.")
