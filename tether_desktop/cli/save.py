r"""Writes conversations to files, and never over another file unasked."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tether_desktop.errors import TetherError

if TYPE_CHECKING:
    from tether_desktop.cli.talk import Talk
    from tether_desktop.context.records import SessionRecord

_LONGEST_NAME = 60


def save_chat(talk: Talk, session: SessionRecord, name: str, *, may_replace: Callable[[Path], bool]) -> Path | None:
    """Write a session as Markdown, or as JSON where the name ends in .json.

    Args:
        talk: it is a session of its backend.
        session: which.
        name: the file; empty makes one of the title.
        may_replace: asked where the file is there already.

    Returns:
        The file; None where it was not to be replaced.

    Raises:
        TetherError: it cannot be written.
    """
    file = Path(name).expanduser() if name else Path(f"{_file_name(session.title) or session.id[:8]}.md")
    sessions = talk.backend.sessions
    if file.suffix.lower() == ".json":
        document = BytesIO()
        talk.run(sessions.export(document, [session.id]))
        content = document.getvalue()
    else:
        content = talk.run(sessions.export_markdown(session.id)).encode("utf-8", "replace")
    return file if write_new(file, content, may_replace) else None


def write_new(file: Path, content: bytes, may_replace: Callable[[Path], bool]) -> bool:
    """Write a file; False where one is there that is not to be replaced.

    Raises:
        TetherError: it cannot be written.
    """
    try:
        try:
            with file.open("xb") as target:
                target.write(content)
        except FileExistsError:
            if not may_replace(file):
                return False
            file.write_bytes(content)
    except OSError as error:
        raise cannot_write(file, error) from error
    return True


def cannot_write(file: Path, error: OSError) -> TetherError:
    """That a file cannot be written."""
    return TetherError(
        "The file cannot be written", f"{file}: {error.strerror or error}.", "Name another file or folder."
    )


def _file_name(title: str) -> str:
    """A title as every file system takes it."""
    return re.sub(r"[^\w]+", "-", title).strip("-")[:_LONGEST_NAME]
