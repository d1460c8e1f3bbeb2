"""The text of a PDF, read in a process of its own: what strangers wrote can at most bring that down."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

from tether_desktop.errors import AttachmentProblem, InstallError
from tether_desktop.model.hosting.job import JobEnd, run_job
from tether_desktop.protocol.attachments.limits import problem

_LOG = logging.getLogger(__name__)

MOST_MEMORY = 1 << 30
"""Bytes that reading may take; a file that wants more is made to hurt."""

SECONDS_TO_READ = 60.0

_PRINT = "Open it in a PDF reader, save what the question is about as a new PDF or as text, and attach that."
_REFUSALS = {
    "encrypted": ("{name} is protected with a password.", "Save a copy without the password, and attach that."),
    "scan": ("{name} has no text in its {pages}; it is probably a scan.", "Attach a PDF with text in it."),
    "empty": ("{name} has no pages.", "Choose another file."),
    "broken": ("{name} is damaged and cannot be read.", _PRINT),
    "long": ("{name} has more than {most:,} characters of text.", _PRINT),
    "memory": ("Reading {name} takes too much memory.", _PRINT),
}


async def pdf_text(data: bytes, name: str, *, seconds: float = SECONDS_TO_READ) -> str:
    """The text of a PDF, its pages numbered where there are several; cancelling ends the process.

    Args:
        data: the file.
        name: for messages.
        seconds: how long it may take.

    Raises:
        AttachmentProblem: it has no text, is protected or damaged, or is too much.
    """
    lines: list[dict[str, Any]] = []
    request = json.dumps(base64.b64encode(data).decode()) + "\n"
    try:
        async with asyncio.timeout(seconds):
            end = await run_job(
                "pdf", lambda line: lines.append(json.loads(line)), request=request, most_memory=MOST_MEMORY
            )
    except TimeoutError as error:
        raise problem(f"Reading {name} takes longer than {seconds:.0f} seconds.", _PRINT) from error
    except InstallError as error:
        raise problem(f"No process can be started to read {name}: {error.message}", "Try again.") from error
    if lines and "refused" in lines[-1]:
        raise _refusal(lines[-1], name)
    if not lines or "pages" not in lines[-1]:
        raise _broke_down(end, name)
    return "".join(line["text"] for line in lines if "text" in line)


def _refusal(line: dict[str, Any], name: str) -> AttachmentProblem:
    message, hint = _REFUSALS[line["refused"]]
    pages = line.get("pages", 0)
    return problem(message.format(name=name, pages=_pages(pages), most=line.get("most", 0)), hint)


def _pages(count: int) -> str:
    return f"{count:,} pages" if count > 1 else "one page"


def _broke_down(end: JobEnd, name: str) -> AttachmentProblem:
    _LOG.info("Reading a PDF ended with %d: %s", end.returncode, end.errors[-500:])
    message, hint = _REFUSALS["memory" if end.too_large else "broken"]
    return problem(message.format(name=name), hint)
