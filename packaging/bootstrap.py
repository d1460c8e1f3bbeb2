"""Sets up everything a fresh checkout needs, and starts the program; needs nothing but Python itself."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import system_packages

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "tether-setup.json"
LOCKS = {"run": ROOT / "packaging/lock/run.txt", "dev": ROOT / "packaging/lock/dev.txt"}
PYTHONS = ((3, 11), (3, 12), (3, 13))
NO_SCREEN = """\
There is no screen to open the window on: neither DISPLAY nor WAYLAND_DISPLAY is set.
Everything is set up. To talk in the terminal instead, type:

    .venv/bin/tether chat
"""


class SetupError(Exception):
    """The set-up cannot go on; the text tells a person what to do."""


def main(arguments: list[str]) -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["setup", "run"])
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    parser.add_argument("--starter", action="store_true", help="also fetch the starter model when there is no model")
    chosen = parser.parse_args(arguments)
    try:
        _use_suitable_python(arguments)
        set_up("dev" if chosen.dev else "run")
        if chosen.starter or chosen.command == "run":
            add_starter_model()
        return start_window() if chosen.command == "run" else 0
    except (SetupError, OSError) as error:
        print(f"\ntether: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntether: stopped; the same command starts over.", file=sys.stderr)
        return 130


def tell(text: str) -> None:
    """One line about what is going on."""
    print(f"tether: {text}", flush=True)


def set_up(profile: str) -> None:
    """Make the virtual environment hold the packages of ``profile`` ("run", or "dev" which adds the tests' needs)."""
    if _is_complete(profile):
        return
    with _only_one_setup():
        if not _is_complete(profile):
            _build(profile)


def _build(profile: str) -> None:
    """Do the steps that are not done yet; until the last one succeeds nothing looks finished."""
    done = _read_stamp()
    if done.get("environment") != environment_key():
        done = {}
    if done.get("profile") == "dev":
        profile = "dev"
    if done.get("profile") != profile:
        _ensure_system_packages(profile)
    STAMP.unlink(missing_ok=True)
    if not done:
        tell(f"Making the virtual environment {VENV}")
        _call([base_python(), "-I", "-m", "venv", "--clear", str(VENV)])
    if done.get("profile") != profile:
        tell("Installing packages; the first time this downloads a few hundred megabytes")
        _pip("--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCKS[profile]))
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT), "--quiet", "--quiet")
    _call([str(venv_program("python")), str(ROOT / "packaging/translations.py"), "release"])
    _write_stamp(profile)
    tell("The virtual environment is ready")


def base_python() -> str:
    """The interpreter outside any virtual environment, so that an activated ``.venv`` can be made anew."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


def environment_key() -> str:
    """Changes with whatever asks for a new virtual environment: locks, interpreter, place of the checkout."""
    digest = hashlib.sha256(b"\0".join(lock.read_bytes() for lock in LOCKS.values()))
    digest.update(f"\0{sys.version}\0{base_python()}\0{ROOT}".encode())
    return digest.hexdigest()


def project_key() -> str:
    """Changes with whatever asks for the project itself to be installed again: its commands, its translations."""
    sources = (ROOT / "pyproject.toml", *sorted((ROOT / "resources/translations").glob("*.ts")))
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def venv_program(name: str) -> Path:
    """Where a command of the virtual environment lies on this system."""
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def _is_complete(profile: str) -> bool:
    done = _read_stamp()
    return (
        done.get("environment") == environment_key()
        and done.get("project") == project_key()
        and done.get("profile") in {profile, "dev"}
        and venv_program("tether").exists()
    )


def _read_stamp() -> dict[str, str]:
    """What a finished set-up left behind; empty when none finished or the interpreter it used is gone."""
    if not venv_program("python").exists():
        return {}
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(profile: str) -> None:
    done = {"environment": environment_key(), "project": project_key(), "profile": profile}
    beside = STAMP.with_suffix(".new")
    beside.write_text(json.dumps(done, indent=2), encoding="utf-8")
    beside.replace(STAMP)


def _use_suitable_python(arguments: list[str]) -> None:
    """Go on in another interpreter when this one is too old or too new.

    Raises:
        SetupError: no interpreter of a supported version is on PATH.
    """
    if sys.version_info[:2] in PYTHONS:
        return
    for major, minor in reversed(PYTHONS):
        other = shutil.which(f"python{major}.{minor}")
        if other:
            raise SystemExit(_replace_process([other, __file__, *arguments]))
    supported = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    raise SetupError(
        f"Python {sys.version.split()[0]} cannot run this; it needs one of {supported}.\n"
        "Install one, then name it: make run PYTHON=/path/to/python3.12"
    )


def _ensure_system_packages(profile: str) -> None:
    try:
        system_packages.ensure(base_python(), profile, tell)
    except system_packages.SystemPackagesError as error:
        raise SetupError(str(error)) from error


def _pip(*arguments: str) -> None:
    """``pip install`` in the virtual environment; the user's own pip configuration (mirrors, proxies) applies."""
    progress = "on" if sys.stdout.isatty() else "off"
    command = [str(venv_program("python")), "-I", "-m", "pip", "install", *arguments]
    _call([*command, "--no-input", "--disable-pip-version-check", "--progress-bar", progress])


def _call(command: list[str]) -> None:
    code = subprocess.run(command, stdin=subprocess.DEVNULL, cwd=ROOT, check=False).returncode
    if code:
        raise SetupError(f"This command failed with exit code {code}; its own words are above.\n{' '.join(command)}")


@contextlib.contextmanager
def _only_one_setup() -> Iterator[None]:
    """Wait while another process sets up this checkout, so that two do not write the same folder."""
    if sys.platform == "win32":
        yield
        return
    lock = ROOT / "build/setup.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def model_roots() -> list[Path]:
    """The folders that hold models, by the same rule as the program's own setting."""
    parts = (os.environ.get("MLC_DIST_PATH") or "dist").split(os.pathsep)
    return [ROOT / Path(part).expanduser() for part in parts if part]


def looks_usable(roots: list[Path]) -> bool:
    """Whether some model folder and some compiled library are there; the program itself looks closer."""
    return any(any(root.glob("*/mlc-chat-config.json")) and any(root.glob("libs/*")) for root in roots)


def has_usable_model() -> bool:
    """What the program itself says, which takes it a moment."""
    command = [str(venv_program("tether")), "models", "list", "--json"]
    asked = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return asked.returncode == 0 and any(model["usable"] for model in json.loads(asked.stdout))


def add_starter_model() -> None:
    """Fetch and compile the starter model unless there is a model; a failure is told, and does not stop the window."""
    if looks_usable(model_roots()) or has_usable_model():
        return
    tell("Preparing the starter model")
    if subprocess.run([str(venv_program("tether")), "models", "add", "starter"], check=False).returncode:
        tell("The starter model could not be added; the window offers it again")


def start_window() -> int:
    """Become the program.

    Raises:
        SetupError: there is no screen to show a window on.
    """
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in names):
        raise SetupError(NO_SCREEN)
    return _replace_process([str(venv_program("tether"))])


def _replace_process(command: list[str]) -> int:
    """Run ``command`` instead of this process, or where that does not exist wait for it."""
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 - the arguments are ours, and no shell is wanted
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
