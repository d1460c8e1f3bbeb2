"""What the program is made of: versions, and the licences of all that comes with it; no network is asked."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import tether_desktop
from tether_desktop import paths

_OWN = "tether-desktop"
_NOTICES, _INDEX = "THIRD_PARTY_NOTICES.txt", "third_party_notices.json"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LICENCE_FILE = re.compile(r"(licen[sc]e|copying|notice|authors)", re.IGNORECASE)
_LONGEST = 400_000
_VERSIONS = (("Apache TVM", "apache-tvm"), ("TVM FFI", "apache-tvm-ffi"), ("SQLAlchemy", "sqlalchemy"), ("MCP", "mcp"))
_ENGINES = ("TVM", "remote", "scripted")
_BUNDLED = (
    ("Inter", "fonts/Inter-LICENSE.txt", "OFL-1.1"),
    ("JetBrains Mono", "fonts/JetBrainsMono-LICENSE.txt", "OFL-1.1"),
    ("Lucide icons", "icons/lucide/LICENSE", "ISC"),
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a file: so many bytes from one on."""

    file: Path
    start: int = 0
    length: int = _LONGEST

    def read(self) -> str:
        """Its text."""
        with self.file.open("rb") as file:
            file.seek(self.start)
            return file.read(min(self.length, _LONGEST)).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Licence:
    """Of something that comes with the program.

    Attributes:
        version: empty for fonts and icons.
        kind: in a word or two; empty where its makers do not say.
        texts: where it stands.
    """

    name: str
    version: str
    kind: str
    texts: tuple[Passage, ...]

    def read(self) -> str:
        """The whole text of all of them, empty where there is none."""
        return "\n\n".join(each.read() for each in self.texts if each.file.is_file())


@dataclass(frozen=True, slots=True)
class AboutFacts:
    """What the program is made of."""

    versions: tuple[tuple[str, str], ...]
    licences: tuple[Licence, ...]


def read_about(qt_version: str) -> AboutFacts:
    """All of it; reads some hundred small files."""
    machine = f"{platform.system()} {platform.release()}, {platform.machine()}"
    versions = [
        ("Tether", tether_desktop.__version__),
        ("Python", platform.python_version()),
        ("Qt", qt_version),
        *((title, _version(name)) for title, name in _VERSIONS),
        ("Engines", ", ".join((*_ENGINES, "MLC-LLM") if _version("mlc-llm") else _ENGINES)),
        ("Computer", machine),
    ]
    return AboutFacts(tuple((name, value) for name, value in versions if value), _noticed() or _installed())


def _noticed() -> tuple[Licence, ...]:
    """What the notices of a build name, which know all that it carries; empty in a checkout."""
    folder = paths.project_root()
    try:
        listed = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    notices = folder / _NOTICES
    return tuple(
        Licence(each["name"], each["version"], each["licence"], tuple(Passage(notices, *at) for at in each["texts"]))
        for each in listed
    )


def _installed() -> tuple[Licence, ...]:
    """What is installed beside a checkout, by its own words."""
    bundled = [Licence(name, "", kind, (Passage(paths.resources_dir() / file),)) for name, file, kind in _BUNDLED]
    libraries = sorted((_licence(each) for each in _needed(_OWN)), key=lambda each: each.name.casefold())
    return (*libraries, *bundled)


def _needed(root: str) -> Iterator[metadata.Distribution]:
    """Every library that the program needs, and those that these need, as far as they are installed."""
    waiting, seen = [root], set()
    while waiting:
        name = waiting.pop().casefold().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name != root:
            yield found
        waiting += [
            match[0] for each in found.requires or () if "extra ==" not in each and (match := _NAME.match(each))
        ]


def _licence(found: metadata.Distribution) -> Licence:
    texts = tuple(Passage(Path(str(each.locate()))) for each in found.files or () if _is_licence(each))
    told = found.metadata.json
    kind = told.get("license_expression") or _classified(found) or str(told.get("license", "")).partition("\n")[0]
    return Licence(found.metadata["Name"], found.version, str(kind)[:60], texts)


def _classified(found: metadata.Distribution) -> str:
    named = [each for each in found.metadata.get_all("Classifier") or () if each.startswith("License ::")]
    return ", ".join(each.rpartition(" :: ")[2] for each in named)


def _is_licence(file: metadata.PackagePath) -> bool:
    return ".dist-info" in str(file) and bool(_LICENCE_FILE.match(file.name))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
