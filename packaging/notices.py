"""Writes the notices of everything that a built program carries, and refuses what must not be handed out.

python packaging/notices.py check            looks at the packages that the program needs
python packaging/notices.py write BUNDLE     looks at all of a built program, and writes the notices into it
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from bundle_inventory import ROOT, Bundle, Component, Inventory, Packages, Rules, normal, take_inventory
from license_expression import ExpressionError, get_spdx_licensing

TEXT = "THIRD_PARTY_NOTICES.txt"
INDEX = "third_party_notices.json"
LOCK = ROOT / "packaging/lock/run.txt"
_SPDX = get_spdx_licensing()
_RULE = "=" * 100
_INTRODUCTION = """\
THIRD-PARTY NOTICES

Tether is free software under the Apache License 2.0. It comes with the work of many others, which keeps its own
licences. This list was made from the files of this very copy. After the list stand the whole texts.
"""
_QT = """\
{rule}
Qt and PySide

The window is made with Qt {version} and PySide {version}, Copyright The Qt Company Ltd. and other contributors, used
under the GNU Lesser General Public License, version 3. Nothing about them was changed.

You may replace them: they are files of their own, in the folder {folder} beside this file. Put your own
build of the same version, or a compatible one, in their place. You may take Tether apart as far as that needs.

Their source, in the version used here:

    https://download.qt.io/official_releases/qt/{minor}/{version}/
    https://download.qt.io/official_releases/QtForPython/pyside6/PySide6-{version}-src/

Whoever hands Tether out gives the same source to anybody who asks, for three years at least, for no more than it
costs to send it. What Qt itself is made of is told at https://doc.qt.io/qt-6/licenses-used-in-qt.html.
"""
_CRATES = """\
{rule}
Crates of Rust

Packages that were written in Rust were linked with the crates below. The text of each one's licence lies beside its
source, which is where the list says; those of the MIT and Apache 2.0 licences are among the texts that follow.

"""


def main(arguments: list[str]) -> int:
    """Do what the command line asks; 1 where something must not be handed out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check")
    commands.add_parser("write").add_argument("bundle", type=Path)
    chosen = parser.parse_args(arguments)
    rules = Rules()
    if chosen.command == "check":
        problems = licence_problems(needed_components(rules), rules)
    else:
        inventory = take_inventory(Bundle(chosen.bundle), rules)
        problems = [*stranger_problems(inventory), *licence_problems(inventory.components, rules)]
        if not problems:
            write(Bundle(chosen.bundle), inventory)
    for problem in problems:
        print(f"notices: {problem}", file=sys.stderr)
    return 1 if problems else 0


def needed_components(rules: Rules) -> list[Component]:
    """The packages of the lock file that are installed here, and what they were linked with."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    packages = Packages(rules)
    here = [name for name in map(normal, names) if packages.named(name)]
    return list(chain.from_iterable((packages.component(name), *packages.crates(name)) for name in here))


def stranger_problems(inventory: Inventory) -> list[str]:
    """What nobody is known to have made."""
    words = "nobody is known to have made it; leave it out, or name it in packaging/licences/rules.toml"
    return [f"{each}: {words}" for each in inventory.strangers]


def licence_problems(components: Iterable[Component], rules: Rules) -> list[str]:
    """What must not be handed out, or not like this, a line each."""
    found = []
    for each in components:
        reason = refusal(each, rules)
        if reason:
            found.append(f"{each.name} {each.version}: {reason}")
        elif each.kind in {"package", "interpreter"} and not each.texts:
            found.append(f"{each.name} {each.version}: it comes without the text of its licence")
    return found


def refusal(component: Component, rules: Rules) -> str:
    """Why a component must not be handed out; empty where it may be."""
    if not component.licence:
        return "its licence is unknown"
    try:
        unknown = _SPDX.unknown_license_keys(component.licence)
        tree = _SPDX.parse(component.licence)
    except ExpressionError:
        return f"its licence is no SPDX expression: {component.licence}"
    unknown = [each for each in unknown if not each.startswith("LicenseRef-")]
    if unknown:
        return f"its licence is unknown: {component.licence}"
    # A crate or a whole package can be nobody's shared library.
    allowed = rules.allowed | (rules.shared if _is_replaceable(component, rules) else frozenset())
    return "" if _permits(tree, allowed) else f"its licence does not allow this: {component.licence}"


def _is_replaceable(component: Component, rules: Rules) -> bool:
    return component.kind == "library" or bool(rules.of_package(component.name).get("qt"))


def _permits(tree: object, allowed: frozenset[str]) -> bool:
    """Whether an expression can be met by licences that are allowed: all of an AND, one of an OR."""
    if isinstance(tree, _SPDX.OR):
        return any(_permits(each, allowed) for each in tree.args)
    if isinstance(tree, _SPDX.AND):
        return all(_permits(each, allowed) for each in tree.args)
    return str(tree) in allowed


def write(bundle: Bundle, inventory: Inventory) -> None:
    """Write the notices for people, and where in them each text stands, for the window."""
    text, index = compose(inventory.components)
    (bundle.content / TEXT).write_bytes(text)
    (bundle.content / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if bundle.content.parent.name == "Contents":
        # The program looks among its libraries, where macOS wants links to what is no code.
        for name in (TEXT, INDEX):
            link = bundle.path / "Contents/Frameworks" / name
            link.unlink(missing_ok=True)
            link.symlink_to(Path("../Resources") / name)


def compose(components: Iterable[Component]) -> tuple[bytes, list[dict[str, object]]]:
    """The notices, and for each component where its texts stand in them: pairs of first byte and length."""
    listed = [each for each in components if each.kind != "crate"]
    crates = {(each.name, each.version): each for each in components if each.kind == "crate"}
    parts = [_INTRODUCTION, "\n", *map(_line, listed), *_qt(listed)]
    if crates:
        parts += [_CRATES.format(rule=_RULE), *(_line(crate) for _, crate in sorted(crates.items()))]
    written = "".join(parts).encode()
    places: dict[str, tuple[int, int]] = {}
    for text, names in _texts(listed).items():
        head = f"\n{_RULE}\n{', '.join(names)}\n\n".encode()
        body = text.encode()
        places[text] = (len(written) + len(head), len(body))
        written += head + body + b"\n"
    index: list[dict[str, object]] = [
        {
            "name": each.name,
            "version": each.version,
            "licence": each.licence,
            "texts": [places[text] for text in _of(each)],
        }
        for each in listed
    ]
    return written, index


def _texts(components: Iterable[Component]) -> dict[str, list[str]]:
    """Every text once, with the names of all that it is of."""
    found: dict[str, list[str]] = {}
    for each in components:
        for text in _of(each):
            found.setdefault(text, []).append(each.name)
    return found


def _of(component: Component) -> list[str]:
    """The texts of one component, each once, as they are written."""
    return list(dict.fromkeys(text.replace("\r\n", "\n").strip() for text in component.texts if text.strip()))


def _line(component: Component) -> str:
    title = f"{component.name} {component.version}".strip()
    return f"{title}\n    {component.licence}\n" + (f"    {component.home}\n" if component.home else "") + "\n"


def _qt(components: Iterable[Component]) -> Iterator[str]:
    qt = next((each for each in components if each.name.casefold().startswith("pyside6")), None)
    if qt is not None:
        core = next((file for file in qt.files if "Qt6Core" in file or "QtCore" in file), "PySide6/")
        minor = qt.version.rpartition(".")[0]
        folder = core.rpartition("/")[0]
        yield _QT.format(rule=_RULE, version=qt.version, minor=minor, folder=folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
