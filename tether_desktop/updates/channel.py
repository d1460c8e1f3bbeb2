"""Where releases are told of, and by whose signature: files that a build puts beside the program's resources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tether_desktop import paths
from tether_desktop.errors import UpdateCheckFailed

TITLE = "Whether there is a newer Tether cannot be found out"


@dataclass(frozen=True, slots=True)
class Channel:
    """A place that tells of releases.

    Attributes:
        url: the folder with the signed metadata; https, or http on this computer.
        root: the metadata of the role "root" that this copy was built with: whose signatures count at first.
        page: where a person can look for themselves.
    """

    url: str
    root: bytes
    page: str


def channel_folder() -> Path:
    """Where a build puts them."""
    return paths.resources_dir() / "updates"


def read_channel() -> Channel:
    """The place that this copy was built to ask.

    Raises:
        UpdateCheckFailed: it was built without one, as a checkout is.
    """
    folder = channel_folder()
    try:
        told = json.loads((folder / "channel.json").read_text(encoding="utf-8"))
        return Channel(str(told["url"]), (folder / "root.json").read_bytes(), str(told["page"]))
    except FileNotFoundError as error:
        raise UpdateCheckFailed(
            TITLE,
            "This copy of Tether was built without an address that tells of releases.",
            "Look for a newer one where you got this one.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UpdateCheckFailed(TITLE, f"The files in {folder} are damaged.", "Install Tether anew.") from error
