"""Conversations written to files and to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from tether_desktop.cli.output import safe
from tether_desktop.cli.save import cannot_write

if TYPE_CHECKING:
    from tether_desktop.cli.backends.backend import Sessions

Format = Literal["json", "markdown"]


async def export(sessions: Sessions, beginning: str | None, file_format: Format, output: Path | None) -> None:
    """Write one session, or with None all of them; nothing half-written stays where it fails.

    Raises:
        SessionNotFound: no session's id begins so, or several do.
        TetherError: the file cannot be written.
    """
    found = None if beginning is None else await sessions.find(beginning)
    with _target(output) as file:
        if file_format == "json" or found is None:
            await sessions.export(file, None if found is None else [found.id])
        else:
            text = await sessions.export_markdown(found.id)
            file.write((safe(text) if file.isatty() else text).encode("utf-8", "replace"))


@contextmanager
def _target(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with NamedTemporaryFile(dir=output.absolute().parent, prefix=f".{output.name}-", delete=False) as file:
            beside = Path(file.name)
            try:
                yield cast("BinaryIO", file)
                file.close()
                beside.replace(output)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(output, error) from error
