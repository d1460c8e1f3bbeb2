"""Why a file of conversations cannot be read, or one of them not be added, for the person who chose it."""

from __future__ import annotations

from tether_desktop.errors import ImportProblem

_TITLE = "The conversations cannot be imported"
_WHICH_FILES = (
    "Choose a file that `tether sessions export` has written, or the .zip or conversations.json that ChatGPT exports."
)


class Unfit(Exception):
    """One conversation of a file is not added; the text says why, in a sentence."""


def not_readable(reason: str) -> ImportProblem:
    """The system does not let the file be read."""
    return ImportProblem(_TITLE, f"The file cannot be read ({reason}).", "Check that it is there and may be read.")


def not_a_file() -> ImportProblem:
    """It is a folder, or something else that is no file."""
    return ImportProblem(_TITLE, "What was chosen is no file.", _WHICH_FILES)


def not_text() -> ImportProblem:
    """Its bytes are no text in any encoding of JSON."""
    return ImportProblem(_TITLE, "The file holds no text.", _WHICH_FILES)


def not_json() -> ImportProblem:
    """It is text, but not JSON."""
    return ImportProblem(_TITLE, "The file is not valid JSON. Nothing was imported.", _WHICH_FILES)


def cut_off() -> ImportProblem:
    """It ends in the middle."""
    return ImportProblem(
        _TITLE,
        "The file ends in the middle, or is empty. Nothing was imported.",
        "Download or copy the file again; it is not complete.",
    )


def nested_too_deeply() -> ImportProblem:
    """Its lists and objects lie within each other beyond what any program writes."""
    return ImportProblem(_TITLE, "The file is nested too deeply. Nothing was imported.", _WHICH_FILES)


def too_large(millions: int) -> ImportProblem:
    """One conversation of it does not fit in memory."""
    return ImportProblem(
        _TITLE,
        f"The file has a conversation of more than {millions} million characters. Nothing was imported.",
        "Export fewer or shorter conversations at a time.",
    )


def unknown_format() -> ImportProblem:
    """It is JSON, but of something else."""
    return ImportProblem(_TITLE, "The file holds no conversations of Tether or ChatGPT.", _WHICH_FILES)


def newer_format() -> ImportProblem:
    """A later version of the program has written it."""
    return ImportProblem(
        _TITLE,
        "The file was written by a newer Tether. Nothing was imported.",
        "Install the newest Tether and import it there.",
    )


def broken_archive() -> ImportProblem:
    """A zip file is damaged, encrypted, or packed in a way that cannot be unpacked here."""
    return ImportProblem(
        _TITLE,
        "The file is a damaged or encrypted zip file. Nothing was imported.",
        "Download it again, or unpack it and import the conversations.json in it.",
    )


def suspicious_archive() -> ImportProblem:
    """A zip file would unpack to far more than conversations ever do."""
    return ImportProblem(
        _TITLE,
        "The file would unpack to far more than its size allows. Nothing was imported.",
        "If you trust it, unpack it and import the conversations.json in it.",
    )
