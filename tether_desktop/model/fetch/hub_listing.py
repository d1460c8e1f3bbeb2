"""Asking the hub what a repository holds; huggingface_hub is imported and used here alone."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub import constants as hub_settings
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.address import check_address
from tether_desktop.model.fetch.checksum import Checksum
from tether_desktop.model.fetch.client import USER_AGENT, client_options
from tether_desktop.model.fetch.faults import TITLE, Interrupted
from tether_desktop.model.fetch.hub_files import HubFile
from tether_desktop.model.fetch.hub_reference import HubReference
from tether_desktop.model.fetch.transfer import PASSING, interruption

logger = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class HubListing:
    """What a repository holds.

    Attributes:
        files: all of them.
        commit: which they are of.
        headers: to ask for them with: the user's token, if he has one.
        endpoint: the hub's address.
    """

    files: tuple[HubFile, ...]
    commit: str
    headers: dict[str, str] = field(repr=False)
    endpoint: str

    def url(self, repo: str, file: HubFile) -> httpx2.URL:
        """Where a file is."""
        address = huggingface_hub.hf_hub_url(repo, file.path, revision=self.commit, endpoint=self.endpoint)
        return check_address(address)


def list_repository(
    reference: HubReference, *, endpoint: str | None, token: str | None, idle_seconds: float
) -> HubListing:
    """Ask the hub what the repository holds; blocks.

    Args:
        reference: the model.
        endpoint: the hub's address; None is the one that ``HF_ENDPOINT`` says, or the public one.
        token: the user's; None is the one he is logged in with, which is told to his own endpoint alone.
        idle_seconds: without a byte, after which the hub counts as unreachable.

    Raises:
        InstallError: no such model, not for this user, or an answer that cannot be read.
        Interrupted: no connection; another attempt may help.
    """
    own = hub_settings.ENDPOINT
    base = str(check_address(endpoint or own)).rstrip("/")
    if huggingface_hub.is_offline_mode():
        raise InstallError(TITLE, "The hub's client is set to stay offline.", "Unset HF_HUB_OFFLINE.")
    huggingface_hub.set_client_factory(lambda: _client(idle_seconds))
    try:
        token = token or (_own_token() if base == own else None)
        api = huggingface_hub.HfApi(base, token=token or False, headers={"user-agent": USER_AGENT})
        info = api.model_info(reference.repo, revision=reference.revision, timeout=idle_seconds, files_metadata=True)
        return HubListing(_files(info), _commit(info), {"Authorization": f"Bearer {token}"} if token else {}, base)
    except HfHubHTTPError as error:
        raise _refusal(reference, error) from error
    except httpx2.HTTPError as error:
        raise interruption(error) from error
    except (InstallError, Interrupted):
        raise
    except Exception as error:
        # The library hands on whatever a hub answers; what is not of the expected form fails anywhere in it.
        logger.exception("The hub's answer cannot be read")
        raise InstallError(TITLE, f"{base} does not answer as a hub should.", "Check HF_ENDPOINT.") from error
    finally:
        huggingface_hub.close_session()


def gated(reference: HubReference) -> InstallError:
    """The model is there, and not for everyone."""
    message = f"{reference.repo} is given only to people who have accepted its licence."
    hint = (
        f"Accept the licence on https://huggingface.co/{reference.repo}, then run `hf auth login` and try again. "
        "It asks for a token, which you make at https://huggingface.co/settings/tokens."
    )
    return InstallError(TITLE, message, hint)


def _client(idle_seconds: float) -> httpx2.Client:
    def check(request: httpx2.Request) -> None:
        check_address(str(request.url))

    options = client_options(idle_seconds) | {"follow_redirects": True, "max_redirects": 5}
    return httpx2.Client(**options, event_hooks={"request": [check]})


def _own_token() -> str | None:
    """The token the user is logged in with, unless he keeps it from being used unasked."""
    return None if hub_settings.HF_HUB_DISABLE_IMPLICIT_TOKEN else huggingface_hub.get_token()


def _commit(info: huggingface_hub.ModelInfo) -> str:
    if info.sha is None or not _COMMIT.fullmatch(info.sha):
        raise ValueError("no commit")
    return info.sha


def _files(info: huggingface_hub.ModelInfo) -> tuple[HubFile, ...]:
    siblings = info.siblings or []
    if len(siblings) > _MOST_FILES:
        raise ValueError("too many files")
    return tuple(_file(each) for each in siblings)


def _file(each: Any) -> HubFile:
    """A file of the listing; what the library has not looked at is looked at here."""
    path, size = each.rfilename, each.lfs.size if each.lfs else each.size
    if not isinstance(path, str) or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError("a file without name or size")
    if each.lfs:
        if not _SHA256.fullmatch(each.lfs.sha256):
            raise ValueError("a large file without SHA-256")
        return HubFile(path, size, Checksum(each.lfs.sha256))
    blob = each.blob_id if isinstance(each.blob_id, str) and _COMMIT.fullmatch(each.blob_id) else None
    return HubFile(path, size, Checksum(blob, blob_size=size) if blob else None)


def _refusal(reference: HubReference, error: HfHubHTTPError) -> Exception:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return gated(reference)
    if isinstance(error, RevisionNotFoundError):
        message = f"{reference.repo} has no revision {reference.revision!a}."
        return InstallError(TITLE, message, "Check the part after the @.")
    if isinstance(error, RepositoryNotFoundError):
        message = f"The hub has no model {reference.repo}, or keeps it private."
        hint = "Check the name. If it is private, or its licence must be accepted, run `hf auth login` first."
        return InstallError(TITLE, message, hint)
    if status in (401, 403):
        return gated(reference)
    if status in PASSING:
        return Interrupted(f"the hub has a problem (HTTP {status})")
    return faults.refused(error.response.url.host, status)
