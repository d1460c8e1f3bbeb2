"""The compiler's own package: TVM as it is installed, without what only its makers need."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from artefacts.environment import Environment

FOLDER = "compiler"
_PACKAGES = ("tvm", "ml_dtypes")
_METADATA = ("apache_tvm-*.dist-info", "ml_dtypes-*.dist-info")
_LEFT_OUT = re.compile(
    r"^tvm/(include|src|3rdparty|cmake|web|lib64)/|libtvm_runtime_cuda|\.(pyi|h|cc|c|cmake)$|__pycache__|/tests?/"
)
_NOTE = """
import json, sys
from tether_desktop.model.install.compiler_package import NOTE_NAME, expected_note
print(json.dumps([NOTE_NAME, expected_note()]))
"""


def build_compiler(environment: Environment, target: Path, source: Path) -> None:
    """Lay out the package in ``target``, which becomes the folder ``compiler`` beside the program.

    Args:
        environment: has TVM.
        target: the folder to fill.
        source: the checkout's files.
    """
    shutil.rmtree(target, ignore_errors=True)
    installed = next(environment.folder.glob("lib/python*/site-packages"))
    for name in _PACKAGES:
        _copy(installed, installed / name, target)
    for pattern in _METADATA:
        for folder in sorted(installed.glob(pattern)):
            _copy_licences(folder, target / "licences" / folder.name.partition("-")[0])
    note_name, note = json.loads(environment.ask("-c", _NOTE, cwd=source))
    (target / note_name).write_text(json.dumps(note, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    # Whoever compiles need not be allowed to write here, and would wait for this at every model.
    options = ["-q", "-s", str(target), "--invalidation-mode", "unchecked-hash"]
    environment.run("-m", "compileall", *options, target, cwd=source)


def _copy(root: Path, folder: Path, target: Path) -> None:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and not _LEFT_OUT.search(inside.as_posix()):
            there = target / inside
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)


def _copy_licences(metadata: Path, target: Path) -> None:
    for path in sorted(metadata.rglob("*")):
        if path.is_file() and re.match(r"(licen|copying|notice)", path.name, re.IGNORECASE):
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)
