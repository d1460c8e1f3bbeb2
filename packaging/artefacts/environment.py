"""The environment that is frozen: nothing but what the lock file says, in an interpreter that tells nobody's name."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from system_packages import Requirement

LOCKS = ("package",)
_NAMED = "TETHER_PACKAGE_PYTHON"
_PYTHONS = ("3.11", "3.12", "3.13")
_STAMP = "tether-package.txt"
_CHECK = "import ensurepip, venv, sysconfig; print(sysconfig.get_config_var('INSTSONAME') or '')"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def run(self, *arguments: str | Path, cwd: Path, variables: dict[str, str] | None = None) -> None:
        """Run its interpreter with these arguments.

        Raises:
            CalledProcessError: it failed.
        """
        subprocess.run([self.python, *arguments], cwd=cwd, env={**_variables(), **(variables or {})}, check=True)

    def ask(self, *arguments: str | Path, cwd: Path) -> str:
        """Run its interpreter with these arguments; what it printed.

        Raises:
            CalledProcessError: it failed.
        """
        command = [self.python, *arguments]
        return subprocess.run(command, cwd=cwd, env=_variables(), check=True, text=True, stdout=subprocess.PIPE).stdout


def _variables() -> dict[str, str]:
    """The environment of every step: nothing of Python's that the person has set, and the same hashes each time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def prepare(folder: Path, root: Path) -> Environment:
    """Make the environment, unless one of the same locks and interpreter is there.

    Args:
        folder: where it goes.
        root: the checkout.
    """
    environment, base = Environment(folder), interpreter()
    locks = [root / f"packaging/lock/{name}.txt" for name in LOCKS]
    key = hashlib.sha256(b"\0".join([str(base).encode(), *(lock.read_bytes() for lock in locks)])).hexdigest()
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="ascii") == key and environment.python.exists():
        return environment
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([base, "-m", "venv", folder], check=True)
    listed = [word for lock in locks for word in ("-r", str(lock))]
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--require-hashes"]
    environment.run(*install, "--only-binary", ":all:", *listed, cwd=root)
    stamp.write_text(key, encoding="ascii")
    return environment


def install_project(environment: Environment, source: Path) -> None:
    """Put the program itself into the environment, as it lies in ``source``."""
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--no-build-isolation"]
    environment.run("-m", "pip", "install", *options, "--force-reinstall", ".", cwd=source)


def needed_of_system() -> list[Requirement]:
    """What a bare Debian lacks before its interpreter can be frozen; nothing where another one was named."""
    python = Path("/usr/bin/python3")
    if sys.platform != "linux" or _NAMED in os.environ or not python.exists():
        return []
    version = python.resolve().name.removeprefix("python")
    return [Requirement(f"libpython{version}", "Python as a shared library", lambda: _can_be_frozen(python))]


def interpreter() -> Path:
    """The interpreter to freeze: the system's own, whose files name no folder of a person, or else this one.

    ``TETHER_PACKAGE_PYTHON`` names another one.
    """
    named = os.environ.get(_NAMED)
    if named:
        return Path(named)
    system = (Path(f"/usr/bin/python{version}") for version in _PYTHONS)
    fitting = (python for python in system if python.exists() and _can_be_frozen(python))
    return next(fitting, Path(getattr(sys, "_base_executable", sys.executable)))


def _can_be_frozen(python: Path) -> bool:
    """Whether it can make virtual environments and has itself as a library, without which PyInstaller stops."""
    asked = subprocess.run([python, "-I", "-c", _CHECK], capture_output=True, text=True, check=False)
    library = asked.stdout.strip()
    return asked.returncode == 0 and library != "" and any(Path("/usr/lib").glob(f"*/{library}"))
