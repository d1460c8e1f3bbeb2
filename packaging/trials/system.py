"""A bare Debian in a folder: made once, unpacked anew for each trial, entered by chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITES = ("bookworm", "trixie")
LINKER = "binutils"
USER = "anna"
USER_ID = 1000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VOLATILE = ("proc", "sys", "dev", "tmp", "run", "var/log", "var/cache", "var/lib/dpkg", "home", "root")
"""What no installation is blamed for."""


def make_base(suite: str, packages: list[str], archive: Path) -> None:
    """Make a bare system with what every desktop has: the libraries that the program leaves to the system.

    Args:
        suite: of Debian.
        packages: to install besides the essential ones.
        archive: the file to write; one that is there is kept.
    """
    if archive.exists():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as work:
        root = Path(work) / "root"
        include = f"--include={','.join(packages)}"
        with (archive.parent / f"{suite}.log").open("w") as log:
            subprocess.run(["debootstrap", "--variant=minbase", include, suite, root], check=True, stdout=log)
        # Lies there for the compiler, which asks for a linker; it is not installed.
        subprocess.run(["chroot", root, "apt-get", "clean"], check=True)
        fetch = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only", LINKER]
        subprocess.run(["chroot", root, *fetch], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chroot", root, "useradd", "--create-home", "--uid", str(USER_ID), USER], check=True)
        part = archive.with_suffix(".part")
        subprocess.run(["tar", "-C", root, "-cf", part, "."], check=True)
        part.replace(archive)


class System:
    """A bare system that runs, as far as a folder can.

    Attributes:
        root: the folder.
        suite: what it is a copy of.
    """

    def __init__(self, root: Path, suite: str) -> None:
        self.root = root
        self.suite = suite

    def command(self, *words: str, user: str = "root", home: str | None = None, **variables: str) -> list[str]:
        """The command that runs these words inside, with nothing of our environment but the screen."""
        home = home or ("/root" if user == "root" else f"/home/{user}")
        kept = {"HOME": home, "USER": user, "LANG": "C.UTF-8", "PATH": _PATH, **variables}
        if "DISPLAY" in os.environ:
            kept.setdefault("DISPLAY", os.environ["DISPLAY"])
        become = [] if user == "root" else ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        settings = [f"{name}={value}" for name, value in kept.items() if value]
        return ["chroot", str(self.root), "env", "-i", *settings, *become, *words]

    def run(self, *words: str, user: str = "root", check: bool = True, **variables: str) -> str:
        """Run a command inside; what it printed, its errors included.

        Raises:
            AssertionError: it failed.
        """
        command = self.command(*words, user=user, **variables)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def put(self, file: Path, folder: str = "tmp") -> str:
        """Lay a file into a folder of the system; its path inside."""
        target = self.root / folder / file.name
        shutil.copyfile(file, target)
        target.chmod(0o644)
        return f"/{folder}/{file.name}"

    def files(self) -> set[str]:
        """Everything in the system but what changes all the time, and what people have at home."""
        found: set[str] = set()
        for folder, folders, names in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            folders[:] = [name for name in folders if (inside / name).as_posix() not in _VOLATILE]
            found.update((inside / name).as_posix() for name in [*folders, *names])
        return found

    def home_files(self) -> set[str]:
        """Every file that the ordinary user has."""
        home = self.root / "home" / USER
        return {path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir()}


@contextmanager
def bare_system(archive: Path, suite: str) -> Iterator[System]:
    """Unpack a system for one trial, and remove it afterwards; the mounts end with it."""
    root = Path(tempfile.mkdtemp(prefix=f"tether-{suite}-"))
    mounted = [root / name for name in ("proc", "dev/shm")]
    try:
        subprocess.run(["tar", "-C", root, "-xf", archive], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", mounted[0]], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mounted[1]], check=True)
        yield System(root, suite)
    finally:
        for place in reversed(mounted):
            subprocess.run(["umount", "--lazy", place], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", "--one-file-system", root], check=False)
