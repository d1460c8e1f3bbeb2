"""Why a file of conversations cannot be read, or one of them not be added, for the person who chose it."""

from __future__ import annotations

from tether_desktop.errors import ImportProblem

_TITLE = "The conversations cannot be imported"
_WHICH_FILES = (
    "Choose a file that `tether sessions export` has written, or the .zip or conversations.json that ChatGPT exports."
)


class Unfit(Exception):
    """One conversation of a file is not added; the text says why, in a sentence."""


def not_readable(name: str, reason: str) -> ImportProblem:
    """The system does not let the file be read."""
    return ImportProblem(_TITLE, f"{name} cannot be read ({reason}).", "Check that it is there and may be read.")


def not_a_file(name: str) -> ImportProblem:
    """It is a folder, or something else that is no file."""
    return ImportProblem(_TITLE, f"{name} is no file.", _WHICH_FILES)


def not_text(name: str) -> ImportProblem:
    """Its bytes are no text in any encoding of JSON."""
    return ImportProblem(_TITLE, f"{name} holds no text.", _WHICH_FILES)


def not_json(name: str) -> ImportProblem:
    """It is text, but not JSON."""
    return ImportProblem(_TITLE, f"{name} is not valid JSON. Nothing was imported.", _WHICH_FILES)


def cut_off(name: str) -> ImportProblem:
    """It ends in the middle."""
    return ImportProblem(
        _TITLE,
        f"{name} ends in the middle, or is empty. Nothing was imported.",
        "Download or copy the file again; it is not complete.",
    )


def nested_too_deeply(name: str) -> ImportProblem:
    """Its lists and objects lie within each other beyond what any program writes."""
    return ImportProblem(_TITLE, f"{name} is nested too deeply. Nothing was imported.", _WHICH_FILES)


def too_large(name: str, megabytes: int) -> ImportProblem:
    """One conversation of it does not fit in memory."""
    return ImportProblem(
        _TITLE,
        f"{name} has a conversation of more than {megabytes} million characters. Nothing was imported.",
        "Export fewer or shorter conversations at a time.",
    )


def unknown_format(name: str) -> ImportProblem:
    """It is JSON, but of something else."""
    return ImportProblem(_TITLE, f"{name} holds no conversations of Tether or ChatGPT.", _WHICH_FILES)


def newer_format(name: str) -> ImportProblem:
    """A later version of the program has written it."""
    return ImportProblem(
        _TITLE,
        f"{name} was written by a newer Tether. Nothing was imported.",
        "Install the newest Tether and import it there.",
    )


def broken_archive(name: str) -> ImportProblem:
    """A zip file is damaged, encrypted, or packed in a way that cannot be unpacked here."""
    return ImportProblem(
        _TITLE,
        f"{name} is a damaged or encrypted zip file. Nothing was imported.",
        "Download it again, or unpack it and import the conversations.json in it.",
    )


def suspicious_archive(name: str) -> ImportProblem:
    """A zip file would unpack to far more than conversations ever do."""
    return ImportProblem(
        _TITLE,
        f"{name} would unpack to far more than its size allows. Nothing was imported.",
        "If you trust it, unpack it and import the conversations.json in it.",
    )
