"""The entry: each way into the program imports only what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.scripted_models import scripted_spec, write_scripted_model
from tether_desktop import paths
from tether_desktop.model.hosting import wire

ENTER = """
import json, sys, types
window = types.ModuleType("tether_desktop.ui.main")
window.run_window = lambda *_: 0
sys.modules["tether_desktop.ui.main"] = window
from tether_desktop.__main__ import main
code = main()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
HEAVY = {"numpy", "tvm", "tvm_ffi", "sqlalchemy", "alembic", "typer", "tokenizers", "jinja2", "filelock", "psutil"}


def run(*arguments: str, code: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
    start = ["-c", code] if code else ["-m", "tether_desktop"]
    return subprocess.run(
        [sys.executable, *start, *arguments], input=stdin, capture_output=True, encoding="utf-8", timeout=60,
        cwd=paths.project_root(), check=False, env=os.environ,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path))


def test_nothing_heavy_is_imported_before_the_window_runs() -> None:
    code, modules = json.loads(run(code=ENTER).stdout)
    assert code == 0
    assert HEAVY.isdisjoint(modules)


def test_what_prevents_the_window_is_told_on_stderr() -> None:
    failing = ENTER.replace("lambda *_: 0", "fail") .replace("import json", """
from tether_desktop.errors import TetherError
def fail(*_):
    raise TetherError("No window", "It broke.", "Mend it.")
import json""", 1)  # fmt: skip
    done = run(code=failing)
    assert json.loads(done.stdout)[0] == 1
    assert done.stderr.splitlines() == ["No window", "It broke.", "Mend it."]


def test_an_engine_process_imports_neither_the_window_nor_the_database(tmp_path: Path) -> None:
    folder = write_scripted_model(tmp_path)
    code = """
import os, sys
end = os._exit
def tell(code):
    sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
    sys.stderr.flush()
    end(code)
os._exit = tell
from tether_desktop.__main__ import main
sys.argv[1:] = ["--child", "engine"]
main()
"""
    lines = [wire.pack_spec(scripted_spec(folder)), {"id": 1, "do": "load"}, {"do": "close"}]
    done = run(code=code, stdin="".join(wire.to_line(line).decode() for line in lines))
    modules = set(done.stderr.split())
    assert "asyncio" in modules
    assert modules.isdisjoint({*HEAVY, "PySide6", "pydantic"})


def test_an_unknown_child_is_wrong_usage() -> None:
    done = run("--child", "dancer")
    assert done.returncode == 2
    assert "dancer" in done.stderr
    assert run("--child").returncode == 2


def test_an_engine_process_without_a_parent_ends_at_once() -> None:
    assert run("--child", "engine").returncode == 0
