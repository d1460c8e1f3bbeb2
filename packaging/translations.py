"""Collects every string of the window into the translation files, and makes what Qt reads of them.

``update`` reads the sources and merges new strings into ``resources/translations/*.ts``, which people translate;
``release`` makes the ``.qm`` files beside them, and the list of error texts that have values in them.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tether_desktop"
FOLDER = ROOT / "resources/translations"
LANGUAGES = ("en", "de")
TEMPLATES = "error_texts.json"
_ELSEWHERE = ("ui", "cli", "installation", "protocol/api/openai", "protocol/api/routers", "protocol/api/gates")
"""Rooms whose errors are not shown in the window, or are looked for by Qt's own tool."""


def main(arguments: list[str]) -> int:
    """Do what the command line asks; returns the exit code."""
    match arguments:
        case ["update"]:
            update(FOLDER)
        case ["release"]:
            release()
        case _:
            print("usage: translations.py update|release", file=sys.stderr)
            return 2
    return 0


def update(folder: Path) -> None:
    """Merge the strings of the sources into the translation files of a folder."""
    scratch = ROOT / "build/translations"
    scratch.mkdir(parents=True, exist_ok=True)
    table = scratch / "tables.py"
    texts = [f"translate({context!r}, {text!r})\n" for context, text in table_texts()]
    texts += [f"translate({context!r}, {text!r}, '', 1)\n" for context, text in _counted_texts()]
    table.write_text("".join(texts), encoding="utf-8")
    sources = [str(path) for path in sorted((PACKAGE / "ui").rglob("*.py"))]
    listed = scratch / "sources.lst"
    listed.write_text("\n".join([*sources, str(table)]), encoding="utf-8")
    for language in LANGUAGES:
        options = ["-locations", "none", "-no-obsolete", "-source-language", "en", "-target-language", language]
        options += ["-pluralonly"] if language == "en" else []
        options += ["-tr-function-alias", "QT_TRANSLATE_NOOP+=mark", "-silent"]
        _call("lupdate", *options, f"@{listed}", "-ts", str(folder / f"tether_{language}.ts"))


def release() -> None:
    """Make what Qt reads, beside the files that people translate."""
    for language in LANGUAGES:
        source = FOLDER / f"tether_{language}.ts"
        _call("lrelease", "-silent", str(source), "-qm", str(source.with_suffix(".qm")))
    templates = sorted({text for text in error_texts() if "{1}" in text})
    beside = FOLDER / f"{TEMPLATES}.new"
    beside.write_text(json.dumps(templates, ensure_ascii=False, indent=0), encoding="utf-8")
    beside.replace(FOLDER / TEMPLATES)


def table_texts() -> list[tuple[str, str]]:
    """Strings that stand in tables of the core, each with its context."""
    errors = (("Errors", text) for text in sorted(set(error_texts())))
    return [*_setting_texts(), *_catalogue_texts(), *_tool_texts(), *errors]


def _setting_texts() -> Iterator[tuple[str, str]]:
    for call in _calls(PACKAGE / "settings.py"):
        for word in call.keywords:
            if word.arg in {"title", "description"} and isinstance(word.value, ast.Constant):
                yield "Settings", str(word.value.value)


def _counted_texts() -> Iterator[tuple[str, str]]:
    """What is said about so many of something, which Qt's own tool takes for plurals only where it sees a number."""
    for path in sorted((PACKAGE / "ui").rglob("*.py")):
        for call in _calls(path):
            if _name(call.func) == "counted":
                yield _text(call.args[0]), _text(call.args[1])


def _catalogue_texts() -> Iterator[tuple[str, str]]:
    listed = json.loads((ROOT / "resources/models.json").read_text(encoding="utf-8"))
    for model in listed["models"]:
        yield "Catalogue", model["description"]


def _tool_texts() -> Iterator[tuple[str, str]]:
    """Names of tools as people read them; descriptions are for models, which are told them in English."""
    yield "Tools", "Built in"
    for call in _calls(PACKAGE / "tools/builtin/source.py"):
        for word in call.keywords:
            if word.arg == "title":
                yield "Tools", _text(word.value)


def error_texts() -> Iterator[str]:
    """What people are told of errors; ``{1}`` stands for the first value in it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).as_posix().startswith(_ELSEWHERE):
            continue
        for call in _calls(path):
            if _name(call.func) in _error_names():
                yield from filter(_has_words, (_text(argument) for argument in call.args[:3]))


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _text(node: ast.expr) -> str:
    """A string of the source with ``{1}`` for its first value; empty for what is no string."""
    if isinstance(node, ast.JoinedStr):
        values = count(1)
        return "".join(_text(part) or f"{{{next(values)}}}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def _error_names() -> frozenset[str]:
    """The classes of errors that people are told about, wherever they are."""
    known = {"TetherError"}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    while True:
        found = {
            node.name
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any(_name(base) in known for base in node.bases)
        }
        if found <= known:
            return frozenset(known)
        known |= found


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _call(tool: str, *arguments: str) -> None:
    program = Path(sys.executable).with_name(f"pyside6-{tool}" + (".exe" if os.name == "nt" else ""))
    subprocess.run([str(program), *arguments], check=True, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
