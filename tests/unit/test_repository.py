"""The repository's own promises: locked packages, documents that tell the truth, code of a readable size."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ("run", "dev")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lock_text(name: str) -> str:
    return (ROOT / f"packaging/lock/{name}.txt").read_text(encoding="utf-8")


def locked(name: str) -> dict[str, Version]:
    return {normal(found["name"]): Version(found["version"]) for found in PINNED.finditer(lock_text(name))}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(name: str) -> list[Requirement]:
    table = project()
    extras = table["project"]["optional-dependencies"]
    more = [line for lines in extras.values() for line in lines] if name == "dev" else []
    return [
        Requirement(line) for line in (*table["project"]["dependencies"], *table["build-system"]["requires"], *more)
    ]


def tracked(*suffixes: str) -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is no git checkout, so there is no list of its files")
    paths = [ROOT / line for line in listing.stdout.splitlines()]
    return [path for path in paths if path.suffix in suffixes and path.is_file()]


@pytest.fixture
def packaging_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "packaging")


@pytest.fixture
def bootstrap(packaging_scripts: None) -> ModuleType:
    import bootstrap

    return bootstrap


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_every_package_the_project_asks_for_in_a_version_it_accepts(name: str) -> None:
    versions = locked(name)
    wrong = [str(item) for item in needed(name) if versions.get(normal(item.name), Version("0")) not in item.specifier]
    assert wrong == [], "`make lock` brings the lock up to date"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash_and_none_names_where_it_comes_from(name: str) -> None:
    text = lock_text(name)
    entries = PINNED.split(text)[1:]
    unhashed = [entries[start] for start in range(0, len(entries), 3) if "--hash=sha256:" not in entries[start + 2]]
    assert unhashed == []
    assert "://" not in text
    assert "-index" not in text


def test_what_the_tests_run_with_is_what_the_program_runs_with() -> None:
    assert locked("run").items() <= locked("dev").items()


def test_the_supported_pythons_are_the_same_everywhere(bootstrap: ModuleType) -> None:
    supported = [f"{major}.{minor}" for major, minor in bootstrap.PYTHONS]
    accepted = Requirement(f"python{project()['project']['requires-python']}").specifier
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in accepted] == supported
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == supported


def test_the_settings_page_says_what_the_settings_table_says(packaging_scripts: None) -> None:
    import settings_reference

    assert settings_reference.TARGET.read_text(encoding="utf-8") == settings_reference.reference(), "run `make docs`"


def test_documents_link_only_to_files_that_are_there() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked(".md")
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


def test_documents_name_only_make_targets_that_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for page in tracked(".md")
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"run", "test"} <= named <= targets


def test_documents_name_only_commands_and_options_that_are_there() -> None:
    from tether_desktop.cli.main import app

    wrong = []
    for page in tracked(".md"):
        for line in re.findall(r"\.venv/bin/tether ([a-z][^`#)\n]*)", page.read_text(encoding="utf-8")):
            words = [word for word in shlex.split(line) if word.startswith("--") or word.isalpha()]
            wrong += [f"{page.name}: tether {line}"] if not is_command(typer.main.get_command(app), words) else []
    assert wrong == []


def is_command(command: Any, words: list[str]) -> bool:
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    is_group = hasattr(command, "commands") and not command.invoke_without_command
    return not is_group and not unknown


def test_every_page_of_the_documents_can_be_reached() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in tracked(".md")
        for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
    }
    assert [page for page in tracked(".md") if ROOT / "docs" in page.parents and page not in linked] == []


def test_nothing_names_a_folder_of_one_machine_or_the_host_of_a_package_index() -> None:
    one_machine = re.compile(r"(?<![\w.])/(?:work|root|home/[a-z]+/\w)/")
    index_host = re.compile("py" + r"pi\.org|python" + r"hosted\.org|deb\.debian" + r"\.org")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked(".py", ".md", ".toml", ".txt", ".yml", ".sh", ".json", "")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if one_machine.search(line) or index_host.search(line)
    ]
    assert found == []


def test_no_work_is_left_for_later() -> None:
    left = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked(".py", ".md", ".toml", ".sh")
        if left.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_functions_and_modules_of_the_program_stay_short() -> None:
    long = []
    for path in tracked(".py"):
        if path.is_relative_to(ROOT / "tests"):
            continue
        text = path.read_text(encoding="utf-8")
        long += [f"{path.name}: {text.count(chr(10))} lines"] if text.count("\n") > 500 else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{path.name}: {node.name} has {lines} lines"] if lines > 60 else []
    assert long == []
