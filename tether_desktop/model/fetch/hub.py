"""Fetching a model from the Hugging Face hub, in a child process that ends when the task does."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from tether_desktop.child_process import child_environment
from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.faults import TITLE
from tether_desktop.model.fetch.hub_reference import parse_reference
from tether_desktop.model.fetch.progress import FetchProgress, OnFetchProgress
from tether_desktop.model.hosting import wire
from tether_desktop.model.hosting.job import run_job

logger = logging.getLogger(__name__)

_KEPT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_FIXED = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


async def fetch_hub(
    reference: str, folder: Path, *, on_progress: OnFetchProgress, endpoint: str | None = None, token: str | None = None
) -> Path:
    """Fetch a model from the hub into a folder.

    Of a repository with GGUF files one is fetched: the one asked for, or the best that stands alone in its
    quantization. Of others comes a folder with weights, configuration, tokenizer and licence, never code. All
    files are of one commit, and checked against the checksums that the hub has for it. Cancelling leaves what is
    there for the next call into the same folder.

    Args:
        reference: ``hf:org/name``, ``hf:org/name@revision:file``, or the address of the model's page; the file
            may be a quantization, such as ``Q4_K_M``.
        folder: made if it is missing.
        on_progress: gets the bytes of all files together, about ten times a second.
        endpoint: the hub's address; None is the one that ``HF_ENDPOINT`` says, or the public one.
        token: the user's; None is the one he is logged in with, if he is.

    Returns:
        The GGUF file (the first, if it is split), or the model's folder.

    Raises:
        InstallError: no such model, not for this user, no network, no space, or not the files they should be.
    """
    parsed = parse_reference(reference)
    request = {"reference": str(parsed), "folder": str(folder), "endpoint": endpoint, "token": token}
    answers: list[dict[str, Any]] = []

    def read(line: str) -> None:
        message = json.loads(line)
        if "file" in message:
            on_progress(FetchProgress(message["done"], message["total"], message["file"]))
        else:
            answers.append(message)

    end = await run_job("fetch", read, request=json.dumps(request) + "\n", environment=_environment())
    if answers and "path" in answers[-1]:
        return Path(answers[-1]["path"])
    if answers:
        raise wire.unpack_error(answers[-1]["error"])
    logger.error("The fetch process ended with %d:\n%s", end.returncode, end.errors)
    message = "The process that fetches it ended unexpectedly; this is a fault of the program."
    raise InstallError(TITLE, message, "Try again; the log has the details.")


def _environment() -> dict[str, str]:
    """What a child gets, and what says where the hub is, how to reach it and who the user is to it."""
    asked = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("HF_") or name in _KEPT or name.upper() in _PROXIES
    }
    return {**child_environment(), **asked, **_FIXED}
