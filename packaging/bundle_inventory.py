"""Finds out what a built program is made of: every file and module in it, and whose it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from fnmatch import fnmatch
from functools import cached_property
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "packaging/licences/rules.toml"
OWN = "tether-desktop"

Kind = Literal["package", "crate", "library", "asset", "interpreter"]

_LICENCE_FILE = re.compile(r"(licen[sc]es?|copying|notice|authors|copyright)", re.IGNORECASE)
_STANDARD_FILES = re.compile(
    r"base_library\.zip|(python3[\d.]*/|lib/python3[\d.]*/)?lib-dynload/.*|libpython3.*|python3\d*\.dll|Python|Python3?\.framework/.*"
)
_STARTER_MODULES = re.compile(r"pyimod\d\d_\w+|pyi_rth_\w+|_pyi_rth_utils(\..*)?|pyiboot01_bootstrap")

_SEARCHED = ("", "win32/lib/", "win32/")
"""Folders of packages that modules are looked for in; pywin32 has its own searched by a file beside it."""

_NAMESPACE = 3
"""PyInstaller's kind of a package that is nothing but the name above others."""


@dataclass(frozen=True, slots=True)
class Component:
    """Something in the program that others have made.

    Attributes:
        licence: as an SPDX expression, or in its maker's own words where nobody knows better.
        kind: a package of Python, a crate that a package was linked with, a library of the system the program was
            built on, fonts and pictures, the interpreter, or what starts it.
        texts: the whole texts of its licence and of its notices.
        home: where its source is found; empty where it does not say.
        files: what of the program it is, as paths and modules.
    """

    name: str
    version: str
    licence: str
    kind: Kind
    texts: tuple[str, ...] = ()
    home: str = ""
    files: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a program is made of.

    Attributes:
        components: by name, ours left out.
        strangers: files and modules that nobody is known to have made.
    """

    components: tuple[Component, ...]
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built program: a folder, or an application of macOS."""

    path: Path

    @property
    def executable(self) -> Path:
        """What starts it."""
        if self.path.suffix == ".app":
            return self.path / "Contents/MacOS/tether"
        return next(each for each in (self.path / "tether", self.path / "tether.exe") if each.is_file())

    @property
    def content(self) -> Path:
        """Where the files lie that are no programs."""
        return self.path / ("Contents/Resources" if self.path.suffix == ".app" else "_internal")

    def files(self) -> Iterator[str]:
        """Every file but links, by its path as the program sees it."""
        roots = [self.path / "Contents/Frameworks", self.content] if self.path.suffix == ".app" else [self.content]
        for root in roots:
            for file in sorted(root.rglob("*")):
                if file.is_file() and not file.is_symlink():
                    yield file.relative_to(root).as_posix()

    def modules(self) -> list[str]:
        """Every module of Python in the archive that the program carries."""
        from PyInstaller.archive.readers import CArchiveReader

        archive = CArchiveReader(str(self.executable))
        inner = next(name for name in archive.toc if name.endswith(".pyz"))
        scripts = [name for name, entry in archive.toc.items() if entry[-1] in {"m", "M"}]
        modules = archive.open_embedded_archive(inner).toc.items()
        return sorted({*(name for name, entry in modules if entry[0] != _NAMESPACE), *scripts})


class Rules:
    """What we know of licences beyond what packages say themselves; see ``licences/rules.toml``."""

    def __init__(self, path: Path = RULES) -> None:
        self._table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._folder = path.parent
        self.allowed = frozenset(self._table["allowed"]["everywhere"])
        self.shared = frozenset(self._table["allowed"]["replaceable"])

    def of_package(self, name: str) -> dict[str, Any]:
        """What the table says of a package; empty where it says nothing."""
        found: dict[str, Any] = self._table["packages"].get(normal(name), {})
        return found

    def of_file(self, path: str) -> dict[str, Any] | None:
        """The library or asset that a file belongs to; None where the table knows none."""
        listed: list[dict[str, Any]] = self._table["files"]
        return next((each for each in listed if any(fnmatch(path, pattern) for pattern in each["patterns"])), None)

    def is_ours(self, path: str) -> bool:
        """Whether a file is part of the program itself."""
        return any(fnmatch(path, pattern) for pattern in self._table["own"]["patterns"])

    def spelled(self, words: str) -> str:
        """A licence in SPDX's words, where the makers' own are known."""
        bare = words.strip()
        found: str = self._table["spellings"].get(bare, bare)
        return found

    def texts(self, known: dict[str, Any]) -> list[str]:
        """The licence texts that the table names for something: ones that lie beside it, and ones of the checkout."""
        files = [self._folder / each for each in known.get("texts", ())]
        files += [ROOT / each for each in known.get("own_texts", ())]
        return [file.read_text(encoding="utf-8") for file in files]


class Packages:
    """The packages of the environment that the program was built in."""

    def __init__(self, rules: Rules, distributions: Iterable[metadata.Distribution] | None = None) -> None:
        self._rules = rules
        self._all = list(metadata.distributions() if distributions is None else distributions)

    @cached_property
    def _by_name(self) -> dict[str, metadata.Distribution]:
        return {normal(each.metadata["Name"]): each for each in self._all}

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The package of each installed file, by its path below the folder of packages."""
        return {str(file): name for name, each in self._by_name.items() for file in each.files or ()}

    @cached_property
    def _owners_by_name(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path, owner in self._owners.items():
            found.setdefault(PurePosixPath(path).name, set()).add(owner)
        return found

    def owner_of_file(self, path: str) -> str | None:
        """The package that a file of the program comes from: by its path, else by its name where only one has it."""
        if (match := re.match(r"([^/]+?)-[^/-]+\.dist-info/", path)) is not None:
            return normal(match[1])
        if (owner := self._owners.get(path)) is not None:
            return owner
        named = self._owners_by_name.get(PurePosixPath(path).name, set())
        native = re.search(r"\.(so|dll|dylib|pyd)\b", path) is not None
        return next(iter(named)) if native and len(named) == 1 else None

    def owner_of_module(self, name: str) -> str | None:
        """The package that a module comes from."""
        path = name.replace(".", "/")
        places = (f"{folder}{path}{end}" for folder in _SEARCHED for end in (".py", "/__init__.py"))
        return next((self._owners[place] for place in places if place in self._owners), None)

    def component(self, name: str, files: tuple[str, ...] = ()) -> Component:
        """A package with its licence and the texts that come with it."""
        found, known = self._by_name[name], self._rules.of_package(name)
        told = _told(found)
        texts = [each.read_text(encoding="utf-8", errors="replace") for each in _licence_files(found)]
        texts += self._rules.texts(known)
        licence = known.get("licence") or self._rules.spelled(_licence_words(found))
        return Component(told["Name"], found.version, licence, "package", tuple(texts), _home(told), files)

    def crates(self, name: str) -> Iterator[Component]:
        """What a package was linked with, as far as it brings a list of it (PEP 770)."""
        found = self._by_name[name]
        for file in found.files or ():
            if "/sboms/" in f"/{file}" and file.suffix == ".json":
                listed = json.loads(Path(str(found.locate_file(file))).read_text(encoding="utf-8"))
                yield from (_crate(each, self._rules) for each in listed.get("components", ()) if each.get("licenses"))

    def named(self, name: str) -> bool:
        """Whether there is such a package."""
        return name in self._by_name


def take_inventory(bundle: Bundle, rules: Rules | None = None, packages: Packages | None = None) -> Inventory:
    """Find the maker of everything in a program."""
    rules = rules or Rules()
    packages = packages or Packages(rules)
    files: dict[str, list[str]] = {}
    others: dict[str, Component] = {}
    strangers: list[str] = []
    for path in bundle.files():
        if (known := rules.of_file(path)) is not None:
            _add_file(others, known, path, rules)
        elif rules.is_ours(path):
            continue
        elif _is_standard(path):
            files.setdefault("python", []).append(path)
        else:
            _assign(packages.owner_of_file(path), path, files, strangers)
    for module in bundle.modules():
        _assign(_owner_of_module(module, packages), module, files, strangers)
    components = [*others.values(), *_standing(files, packages)]
    return Inventory(tuple(sorted(components, key=lambda each: each.name.casefold())), tuple(strangers))


def normal(name: str) -> str:
    """A package's name as all spellings of it share it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_standard(path: str) -> bool:
    """Whether a file belongs to the interpreter; on Windows its extensions lie beside those of everybody."""
    stem, dot, end = path.partition(".")
    return _STANDARD_FILES.fullmatch(path) is not None or (dot + end == ".pyd" and stem in sys.stdlib_module_names)


def _assign(owner: str | None, what: str, files: dict[str, list[str]], strangers: list[str]) -> None:
    if owner is None:
        strangers.append(what)
    else:
        files.setdefault(owner, []).append(what)


def _owner_of_module(name: str, packages: Packages) -> str | None:
    top = name.partition(".")[0]
    if top == "tether_desktop" or name in {"entry", "__main__"}:
        return OWN
    if (owner := packages.owner_of_module(name)) is not None:
        return owner
    if _STARTER_MODULES.fullmatch(name) and packages.named("pyinstaller"):
        return "pyinstaller"
    return "python" if top in sys.stdlib_module_names or top.startswith("_sysconfigdata") else None


def _standing(files: dict[str, list[str]], packages: Packages) -> Iterator[Component]:
    """The components of which more is in the program than words about them."""
    for name, found in files.items():
        real = [each for each in found if ".dist-info/" not in each]
        if name == OWN or not real:
            continue
        if name == "python":
            yield _python(tuple(real))
        elif name == "pyinstaller":
            yield packages.component(name, tuple(real))  # what it was linked with is in no program
        else:
            yield packages.component(name, tuple(real))
            yield from packages.crates(name)


def _python(files: tuple[str, ...]) -> Component:
    version = ".".join(map(str, sys.version_info[:3]))
    places = (Path(sys.base_prefix), Path(f"{sys.base_prefix}/lib/python{version.rpartition('.')[0]}"))
    texts = [path.read_text(encoding="utf-8") for place in places for path in [place / "LICENSE.txt"] if path.is_file()]
    debian = Path(f"/usr/share/doc/python{version.rpartition('.')[0]}/copyright")
    if not texts and debian.is_file():
        texts = [debian.read_text(encoding="utf-8")]
    return Component("Python", version, "PSF-2.0", "interpreter", tuple(texts), "https://www.python.org/", files)


def _add_file(others: dict[str, Component], known: dict[str, Any], path: str, rules: Rules) -> None:
    before = others.get(known["name"])
    if before is not None:
        others[known["name"]] = replace(before, files=(*before.files, path))
        return
    version, texts = "", rules.texts(known)
    if known["kind"] == "library":
        version, copyright_text = _debian(PurePosixPath(path).name)
        texts += [copyright_text] if copyright_text else []
    others[known["name"]] = Component(
        known["name"], version, known["licence"], known["kind"], tuple(texts), known.get("home", ""), (path,)
    )


def _debian(library: str) -> tuple[str, str]:
    """The version of the Debian package that a library comes from, and the text of its licence; empty elsewhere."""
    if (dpkg := shutil.which("dpkg-query")) is None:
        return "", ""
    found = subprocess.run([dpkg, "--search", f"*/{library}"], capture_output=True, text=True, check=False).stdout
    package = found.partition(":")[0].strip()
    if not package:
        return "", ""
    asked = [dpkg, "--show", "--showformat=${Version}", package]
    version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    text = Path(f"/usr/share/doc/{package}/copyright")
    return version, text.read_text(encoding="utf-8") if text.is_file() else ""


def _licence_files(found: metadata.Distribution) -> Iterator[Path]:
    for file in found.files or ():
        if ".dist-info" in str(file) and _LICENCE_FILE.search(str(file).partition(".dist-info/")[2]):
            path = Path(str(found.locate_file(file)))
            if path.is_file() and path.suffix not in {".py", ".pyc", ".json"}:
                yield path


def _told(found: metadata.Distribution) -> Message:
    """What a package says of itself; that it can be asked like a message is true, and in no type."""
    return cast("Message", found.metadata)


def _licence_words(found: metadata.Distribution) -> str:
    """What a package says of its licence: as an expression, in a line, or by its classifiers."""
    told = _told(found)
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if "License ::" in each]
    line = str(told.get("License") or "").partition("\n")[0]
    return str(told.get("License-Expression") or line or " AND ".join(classified))


def _home(told: Message) -> str:
    links = dict(each.split(", ", 1) for each in told.get_all("Project-URL") or () if ", " in each)
    by_word = {name.casefold(): link for name, link in links.items()}
    wanted = ("source", "source code", "repository", "homepage", "home", "code")
    return next((by_word[word] for word in wanted if word in by_word), str(told.get("Home-page") or ""))


def _crate(listed: dict[str, Any], rules: Rules) -> Component:
    said = listed["licenses"][0]
    words = said.get("expression") or said.get("license", {}).get("id") or said.get("license", {}).get("name", "")
    links = [each["url"] for each in listed.get("externalReferences", ()) if each.get("type") in {"vcs", "website"}]
    home = links[0] if links else f"https://crates.io/crates/{listed['name']}"
    return Component(listed["name"], listed.get("version", ""), rules.spelled(words), "crate", (), home)
