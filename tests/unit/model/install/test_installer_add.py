"""A model from anywhere is added whole, or not at all, and never in place of something else."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.fake_hub import FakeHub
from tests.helpers.file_server import FileServer, ServedFile, serving
from tests.helpers.hf_writer import hf_config, random_weights, write_hf_folder
from tests.helpers.installed import GGUF_NAME, NAME, InstalledModel
from tests.helpers.processes import children_of_the_program
from tests.helpers.scripted_models import write_scripted_model
from tests.helpers.tiny_model import TinyConfig, write_tiny_gguf
from tether_desktop.errors import InstallError, ModelBroken, TetherError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.fetch.hub_reference import parse_reference
from tether_desktop.model.install import work as install_job
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.offers import load_offers
from tether_desktop.model.install.progress import Checked, InstallProgress
from tether_desktop.model.install.source import find_wanted
from tether_desktop.model.install.target_folder import download_folder

STAGES = ["downloading", "checking", "packing", "compiling", "finishing"]
ADDING_PROGRAM = """
import asyncio, sys
from pathlib import Path
from tether_desktop.model.install.installer import Installer

show = lambda progress: print(progress.stage, flush=True)
asyncio.run(Installer([Path(sys.argv[1])]).add(sys.argv[2], on_progress=show))
"""


def silent(_: InstallProgress) -> None:
    """Nobody watches."""


def left_in(root: Path) -> list[str]:
    """What lies in a model folder, without the lock that stays there."""
    return sorted(path.name for path in root.iterdir() if path.name != ".install.lock")


def everything_in(root: Path) -> list[Path]:
    """All files and folders below a folder, without the lock."""
    return sorted(path for path in root.rglob("*") if path.name != ".install.lock")


def wait_for_part(root: Path, size: int) -> None:
    """Return when so many bytes are there of an unfinished download."""
    while not any(part.stat().st_size >= size for part in (root / ".downloads").rglob("*.part")):
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serving() as server:
        yield server


@pytest.fixture
def url(server: FileServer, installed_model: InstalledModel) -> str:
    """Where the tiny model can be fetched from."""
    return server.add(f"/{GGUF_NAME}", ServedFile(installed_model.gguf.read_bytes()))


def test_a_gguf_file_becomes_a_usable_model(installed_model: InstalledModel) -> None:
    installed_model.trust(installed_model.root)
    entry = Catalog([installed_model.root]).get(NAME)
    assert left_in(installed_model.root) == [NAME, "libs"]
    assert entry.library is not None
    assert entry.library.name.startswith("llama-")
    assert f"`{GGUF_NAME}`" in (installed_model.folder / "README.md").read_text(encoding="utf-8")


def test_progress_and_what_is_known_are_told(installed_model: InstalledModel) -> None:
    stages = [now.stage for now in installed_model.progress]
    assert stages == sorted(stages, key=STAGES.index)
    assert set(stages) == set(STAGES[1:])
    assert {now.detail for now in installed_model.progress} == {"", "0 of 0 MB"}
    checked, report = installed_model.news
    assert isinstance(checked, Checked)
    assert (checked.name, checked.context_window, checked.fit.verdict) == (NAME, 256, "fits")
    assert checked.size_bytes == (installed_model.folder / "params_shard_0.bin").stat().st_size
    assert isinstance(report, BuildReport)
    assert all(mapped.exact and mapped.relative_rms == 0 for mapped in report.mappings)


async def test_what_is_lost_is_measured(tmp_path: Path, installed_model: InstalledModel) -> None:
    source = tmp_path / "floats.gguf"
    write_tiny_gguf(source, TinyConfig(matrices="F16"))
    root = installed_model.library_to(tmp_path / "dist")
    news: list[Checked | BuildReport] = []
    name = await Installer([root]).add(str(source), bits=4, on_progress=silent, on_news=news.append)
    assert name == "floats-q4_1t16-MLC"
    report = news[-1]
    assert isinstance(report, BuildReport)
    errors = {mapped.matrix: mapped.relative_rms for mapped in report.mappings if not mapped.exact}
    assert errors.keys() == {"qkv", "o", "gate_up", "down"}
    assert all(0.01 < error < 0.15 for error in errors.values())


async def test_a_folder_of_hugging_face_becomes_a_model_with_its_licence(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    config = hf_config()
    source = write_hf_folder(tmp_path / "Small-Chat", random_weights(config), config)
    (source / "LICENSE").write_text("Do what you like.")
    (source / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Small\n")
    name = await Installer([tmp_path / "dist"]).add(str(source), on_progress=silent)
    folder = tmp_path / "dist" / name
    assert name == "Small-Chat-q8_0t16-MLC"
    assert Catalog([tmp_path / "dist"]).get(name).usable
    assert (folder / "LICENSE").read_text() == "Do what you like."
    assert "cc0-1.0" in (folder / "README.md").read_text(encoding="utf-8")


async def test_a_packed_folder_is_copied_as_it_is(tmp_path: Path, installed_model: InstalledModel) -> None:
    root = installed_model.library_to(tmp_path)
    news: list[Checked | BuildReport] = []
    assert await Installer([root]).add(str(installed_model.folder), on_progress=silent, on_news=news.append) == NAME
    assert Catalog([root]).get(NAME).usable
    Catalog([root]).verify(NAME)
    assert isinstance(news[-1], BuildReport)
    assert news[-1].mappings == ()


async def test_a_file_from_the_web_is_fetched_and_not_kept(
    tmp_path: Path, installed_model: InstalledModel, url: str
) -> None:
    root = installed_model.library_to(tmp_path)
    seen: list[InstallProgress] = []
    assert await Installer([root]).add(url, on_progress=seen.append) == NAME
    assert {now.stage for now in seen} == set(STAGES)
    assert left_in(root) == [NAME, "libs"]


async def test_a_download_goes_on_where_it_was_stopped(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer
) -> None:
    root = installed_model.library_to(tmp_path)
    content = installed_model.gguf.read_bytes()
    address = server.add(f"/{GGUF_NAME}", ServedFile(content, drops=[len(content) // 2]))
    task = asyncio.create_task(Installer([root]).add(address, on_progress=silent))
    await asyncio.to_thread(wait_for_part, root, len(content) // 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(root) == [".downloads", "libs"]
    assert await Installer([root]).add(address, on_progress=silent) == NAME
    assert server.ranges == ["", f"bytes={len(content) // 2}-"]
    assert left_in(root) == [NAME, "libs"]


async def test_an_offer_is_fetched_from_the_hub_and_keeps_its_licence(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = load_offers()[0]
    reference = parse_reference(offer.source)
    hub = FakeHub(server, reference.repo)
    hub.add_large(f"{reference.name}-{reference.file}.gguf", installed_model.gguf.read_bytes())
    hub.publish()
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    root = installed_model.library_to(tmp_path / "dist")
    name = await Installer([root]).add(offer.id, on_progress=silent)
    card = (root / name / "README.md").read_text(encoding="utf-8")
    assert name == "SmolLM2-135M-Instruct-q4_1t16-MLC"
    assert offer.source in card
    assert f"license: {offer.licence}" in card
    assert offer.licence_url in card
    assert left_in(root) == [name, "libs"]


async def test_what_was_fetched_is_not_fetched_again_when_packing_was_stopped(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer, url: str
) -> None:
    root = installed_model.library_to(tmp_path)
    await cancelled_at("packing", root, url)
    assert left_in(root) == [".downloads", "libs"]
    assert await Installer([root]).add(url, on_progress=silent) == NAME
    assert len(server.seen) == 1
    assert left_in(root) == [NAME, "libs"]


@pytest.mark.parametrize("stage", ["checking", "compiling"])
async def test_cancelling_leaves_nothing(tmp_path: Path, installed_model: InstalledModel, stage: str) -> None:
    await cancelled_at(stage, tmp_path, str(installed_model.gguf))
    assert left_in(tmp_path) == []


async def cancelled_at(stage: str, root: Path, what: str) -> None:
    """Add a model, and cancel that when it comes to a stage; no process stays behind."""
    reached = asyncio.Event()
    adding = Installer([root]).add(what, on_progress=lambda now: reached.set() if now.stage == stage else None)
    task = asyncio.create_task(adding)
    await reached.wait()
    children = children_of_the_program()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [child for child in children if child.is_running()]


def test_a_program_killed_while_it_looks_at_a_model_leaves_no_process_and_no_model(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    command = [sys.executable, "-c", ADDING_PROGRAM, str(tmp_path), str(installed_model.gguf)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == "checking"
        children = psutil.Process(program.pid).children(recursive=True)
        program.kill()
    assert not psutil.wait_procs(children, timeout=30)[1]
    assert Catalog([tmp_path]).list() == []


async def test_a_download_of_long_ago_goes_on_where_it_was_stopped(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer
) -> None:
    root = installed_model.library_to(tmp_path)
    content = installed_model.gguf.read_bytes()
    address = server.add(f"/{GGUF_NAME}", ServedFile(content, drops=[len(content) // 2]))
    task = asyncio.create_task(Installer([root]).add(address, on_progress=silent))
    await asyncio.to_thread(wait_for_part, root, len(content) // 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for path in (root / ".downloads").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert await Installer([root]).add(address, on_progress=silent) == NAME
    assert server.ranges[-1] >= f"bytes={len(content) // 2}-"


async def test_a_note_that_a_power_cut_left_empty_is_no_model(
    tmp_path: Path, installed_model: InstalledModel, url: str
) -> None:
    root = installed_model.library_to(tmp_path)
    folder = download_folder(root, find_wanted(url).key)
    folder.mkdir(parents=True)
    (folder / "download.done").touch()
    assert await Installer([root]).add(url, on_progress=silent) == NAME


async def test_what_a_killed_program_left_goes_with_the_next_call(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    root = installed_model.library_to(tmp_path)
    for left in (".model.abc.part", ".Model.removed", "packed/.Copy.x1.removed"):
        (root / left / "model").mkdir(parents=True)
    new, old = root / ".downloads" / "new", root / ".downloads" / "old"
    for folder in (new, old):
        folder.mkdir(parents=True)
    os.utime(old, (1_000_000_000, 1_000_000_000))
    await Installer([root]).add(str(installed_model.gguf), on_progress=silent)
    assert left_in(root) == [".downloads", NAME, "libs", "packed"]
    assert list((root / "packed").iterdir()) == []
    assert list((root / ".downloads").iterdir()) == [new]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"GGUF" + (3).to_bytes(4, "little") + b"\xff" * 16,
        b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little") + b"\xff" * 64,
        os.urandom(4096),
        b"MZ" + bytes(5000),
    ],
    ids=["empty", "magic", "counts", "lengths", "noise", "program"],
)
async def test_a_file_that_is_no_model_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "evil.gguf"
    source.write_bytes(content)
    with pytest.raises(ModelBroken) as failure:
        await Installer([tmp_path / "dist"]).add(str(source), on_progress=silent)
    assert failure.value.hint
    assert left_in(tmp_path / "dist") == []


async def test_a_download_that_is_no_model_is_not_kept(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer
) -> None:
    address = server.add("/half.gguf", ServedFile(installed_model.gguf.read_bytes()[:9000]))
    with pytest.raises(ModelBroken):
        await Installer([tmp_path]).add(address, on_progress=silent)
    assert left_in(tmp_path) == []


async def test_a_name_that_is_taken_is_refused_with_what_to_do(installed_model: InstalledModel) -> None:
    before = everything_in(installed_model.root)
    with pytest.raises(InstallError, match="name already") as failure:
        await Installer([installed_model.root]).add(str(installed_model.gguf), on_progress=silent)
    assert f"tether models remove {NAME}" in failure.value.hint
    assert "--name" in failure.value.hint
    assert everything_in(installed_model.root) == before


async def test_another_name_can_be_chosen(tmp_path: Path, installed_model: InstalledModel) -> None:
    root = installed_model.copy_to(tmp_path)
    name = await Installer([root]).add(str(installed_model.gguf), name="mine", on_progress=silent)
    assert (name, Catalog([root]).get("mine").path) == ("mine", root / "mine")
    assert len(list((root / "libs").iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", "libs", "packed", "CON", "com1.x", " x", ".hidden", "a:b", "x."]
)
async def test_a_name_that_no_folder_can_have_is_refused(
    tmp_path: Path, installed_model: InstalledModel, name: str
) -> None:
    with pytest.raises(InstallError, match="cannot be a model's name") as failure:
        await Installer([tmp_path]).add(str(installed_model.gguf), name=name, on_progress=silent)
    assert failure.value.hint.startswith("Try --name ")
    assert left_in(tmp_path) == []


async def test_a_broken_model_of_that_name_is_replaced(tmp_path: Path, installed_model: InstalledModel) -> None:
    root = installed_model.copy_to(tmp_path)
    (root / NAME / "params_shard_0.bin").write_bytes(b"short")
    assert await Installer([root]).add(str(installed_model.gguf), on_progress=silent) == NAME
    Catalog([root]).verify(NAME)
    assert left_in(root) == [NAME, "libs"]


async def test_a_model_that_lacks_its_library_is_not_packed_again(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    shutil.copytree(installed_model.folder, tmp_path / NAME)
    with pytest.raises(InstallError, match="name already") as failure:
        await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=silent)
    assert f"tether models compile {NAME}" in failure.value.hint


@pytest.mark.parametrize("kind", ["a folder", "a file", "a scripted model"])
async def test_what_is_no_packed_model_is_never_replaced(
    tmp_path: Path, installed_model: InstalledModel, kind: str
) -> None:
    if kind == "a folder":
        (tmp_path / NAME).mkdir()
        (tmp_path / NAME / "thesis.txt").write_text("Years of work.")
    elif kind == "a file":
        (tmp_path / NAME).write_text("Years of work.")
    else:
        (write_scripted_model(tmp_path, NAME) / "script.json").unlink()
    before = everything_in(tmp_path)
    with pytest.raises(InstallError, match="name already"):
        await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=silent)
    assert everything_in(tmp_path) == before


async def test_a_source_in_the_model_folder_is_prepared_where_it_is(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    root = installed_model.library_to(tmp_path)
    shutil.copy(installed_model.gguf, root / "mine.gguf")
    assert await Installer([root]).add(str(root / "mine.gguf"), on_progress=silent) == "mine"
    entry = Catalog([root]).get("mine")
    assert entry.path == root / "mine.gguf"
    assert left_in(root) == ["libs", "mine.gguf", "packed"]


async def test_too_little_space_is_told_before_anything_is_packed(
    tmp_path: Path, installed_model: InstalledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=33_000_000))
    seen: list[InstallProgress] = []
    with pytest.raises(InstallError, match=r"34 MB are needed, 33 MB are free"):
        await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=seen.append)
    assert ({now.stage for now in seen}, left_in(tmp_path)) == ({"checking"}, [])


async def test_space_for_what_is_made_of_a_download_is_asked_for_before_it_is_fetched(
    tmp_path: Path, installed_model: InstalledModel, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=700_000_000))
    address = server.add(f"/{GGUF_NAME}", ServedFile(installed_model.gguf.read_bytes(), length=500_000_000))
    with pytest.raises(InstallError, match=r"1\.03 GB are needed, 700 MB are free"):
        await Installer([tmp_path]).add(address, on_progress=silent)


async def test_a_look_that_never_ends_is_ended(
    tmp_path: Path, installed_model: InstalledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_job, "_LONGEST_LOOK_S", 0.0)
    with pytest.raises(ModelBroken, match="did not come to an end"):
        await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=silent)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("options", [{"name": "mine"}, {"bits": 4}])
async def test_the_starter_takes_no_options(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InstallError, match="as it is"):
        await Installer([tmp_path]).add("starter", on_progress=silent, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits for files there")
async def test_a_disk_that_takes_no_more_is_told_and_leaves_nothing(
    tmp_path: Path, installed_model: InstalledModel
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(InstallError, match="cannot be written") as failure:
            await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failure.value.hint
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nowhere.gguf", "is neither a file or folder"),
        (os.devnull, "is neither a file or folder"),
        ("hf:not a name", "names no model on the Hugging Face hub"),
        ("http://example.org/x.gguf", "not encrypted"),
        ("ftp://example.org/x.gguf", "https"),
    ],
)
async def test_what_cannot_be_meant_is_told(tmp_path: Path, what: str, words: str) -> None:
    with pytest.raises(TetherError, match=words) as failure:
        await Installer([tmp_path]).add(what, on_progress=silent)
    assert failure.value.hint
    assert everything_in(tmp_path) == []


async def test_a_killed_look_is_told(tmp_path: Path, installed_model: InstalledModel) -> None:
    def kill(now: InstallProgress) -> None:
        if now.stage == "checking":
            for child in children_of_the_program():
                child.kill()

    with pytest.raises(InstallError, match="killed from outside"):
        await Installer([tmp_path]).add(str(installed_model.gguf), on_progress=kill)
    assert left_in(tmp_path) == []
