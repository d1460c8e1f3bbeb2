"""Writes the hash-checked lock files from pyproject.toml, for every supported Python and system at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

UV = "uv==0.13.9"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "packaging/lock"
HEADER = """\
# Made by `make lock` from pyproject.toml; change that, never this.
# Every supported Python on Linux, macOS and Windows installs from this one list.
"""
OPTIONS = ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes", "--no-header"]


def main() -> None:
    """Write the lock files; the others keep the versions of ``run``."""
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    with tempfile.TemporaryDirectory() as scratch:
        uv = _install_uv(Path(scratch))
        environment = os.environ | _index_settings(uv.parent)
        as_run = ["--constraints", str(FOLDER / "run.txt")]
        for name, more in (
            ("run", []),
            ("dev", ["--all-extras", *as_run]),
            ("package", ["--extra", "package", *as_run]),
        ):
            _compile(uv, name, [*upgrade, *more], environment)


def _install_uv(folder: Path) -> Path:
    """A throw-away environment, so that the tool is no dependency of the program."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", UV], check=True)
    return programs / "uv"


def _index_settings(programs: Path) -> dict[str, str]:
    """The user's pip mirror, told to uv, which does not read pip's configuration."""
    asked = subprocess.run(
        [programs / "python", "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {"UV_DEFAULT_INDEX": asked.stdout.strip()} if asked.returncode == 0 else {}


def _compile(uv: Path, name: str, options: list[str], environment: dict[str, str]) -> None:
    """Lock the project's needs, and what builds it, into ``lock/<name>.txt``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = FOLDER / f"{name}.txt"
    subprocess.run(
        [uv, "pip", "compile", "pyproject.toml", "-", *OPTIONS, *options, "--quiet", "--output-file", target],
        input="\n".join(project["build-system"]["requires"]),
        text=True,
        cwd=ROOT,
        env=environment,
        check=True,
    )
    target.write_text(HEADER + target.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
