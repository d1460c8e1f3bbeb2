"""How a model on the Hugging Face hub is named: ``hf:org/name@revision:file``, or the address of its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.faults import TITLE

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPO = rf"(?P<repo>{_NAME}/{_NAME})"
_REFERENCE = re.compile(rf"hf:(?://)?{_REPO}(?:@(?P<revision>[^:@\s]{{1,255}}))?(?::(?P<file>.{{1,1000}}))?")
_PAGE = re.compile(
    rf"https://(?:www\.)?(?:huggingface\.co|hf\.co)/{_REPO}"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[^/?#]{1,255})(?:/(?P<file>[^?#]{1,1000}))?)?/?(?:[?#].*)?"
)
_NOT_MODELS = ("api/", "datasets/", "spaces/", "docs/", "papers/", "collections/", "kernels/", "buckets/", "blog/")


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model on the hub.

    Attributes:
        repo: "org/name".
        revision: branch, tag or commit; None means the main branch.
        file: path in the repository, or a quantization such as "Q4_K_M"; None leaves the choice to us.
    """

    repo: str
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        file = f":{self.file}" if self.file else ""
        return f"hf:{self.repo}{revision}{file}"

    @property
    def name(self) -> str:
        """The model's name, without the organization."""
        return self.repo.partition("/")[2]


def find_reference(text: str) -> HubReference | None:
    """The model that a text names, or None when it is no reference and no page of the hub."""
    text = text.strip()
    if found := _REFERENCE.fullmatch(text):
        reference = HubReference(found["repo"], found["revision"], found["file"])
    elif (found := _PAGE.fullmatch(text)) and not found["repo"].startswith(_NOT_MODELS):
        file = unquote(found["file"]).rstrip("/") if found["file"] else None
        revision = unquote(found["revision"]) if found["revision"] else None
        reference = HubReference(found["repo"], revision, file)
    else:
        return None
    return None if ".." in reference.repo or "--" in reference.repo else reference


def parse_reference(text: str) -> HubReference:
    """The model that a text names.

    Raises:
        InstallError: it names none.
    """
    if reference := find_reference(text):
        return reference
    hint = "A model on the hub is written hf:org/name, or hf:org/name:file for one of its files."
    raise InstallError(TITLE, f"{text[:120]!a} names no model on the Hugging Face hub.", hint)
