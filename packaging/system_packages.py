"""System libraries the program needs on Linux: which are missing, and how to get them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Loading is the proof: it looks where the window's own libraries will be looked for, whichever distribution this is.
SHARED_LIBRARIES = {
    "libgl1": ("libGL.so.1",),
    "libegl1": ("libEGL.so.1",),
    "libxcb-cursor0": ("libxcb-cursor.so.0",),
    "libxcb-icccm4": ("libxcb-icccm.so.4",),
    "libxcb-keysyms1": ("libxcb-keysyms.so.1",),
    "libxcb-shape0": ("libxcb-shape.so.0",),
    "libxkbcommon-x11-0": ("libxkbcommon-x11.so.0",),
    "libdbus-1-3": ("libdbus-1.so.3",),
    "libfontconfig1": ("libfontconfig.so.1",),
    "libglib2.0-0": ("libglib-2.0.so.0", "libgthread-2.0.so.0"),
    "libbrotli1": ("libbrotlidec.so.1",),
}
SERVER_FOLDERS = Path("/usr/lib/postgresql")
SERVER_SETTINGS = Path("/etc/postgresql-common")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")


@dataclass(frozen=True)
class Requirement:
    """One Debian package and what it is needed for.

    Attributes:
        package: the name in Debian 12 and 13.
        provides: what a person on another distribution has to look for.
        present: tells whether this machine has it, from whatever source.
    """

    package: str
    provides: str
    present: Callable[[], bool]


class SystemPackagesError(Exception):
    """Something is missing that only the administrator can install; the text holds the line to type."""


def requirements(python: str, profile: str) -> list[Requirement]:
    """What has to be there before the virtual environment is made with the interpreter ``python``.

    The profile "dev" needs what "run" does, and what the tests start.
    """
    libraries = [Requirement(package, ", ".join(names), _Loads(names)) for package, names in SHARED_LIBRARIES.items()]
    tested = [
        Requirement("postgresql", "PostgreSQL's server, its program initdb", _has_database_server),
        Requirement("xvfb", "Xvfb", lambda: shutil.which("Xvfb") is not None),
        Requirement("xdotool", "xdotool", lambda: shutil.which("xdotool") is not None),
    ]
    return [
        *(tested if profile == "dev" else []),
        Requirement("python3-venv", "Python's venv and ensurepip modules", lambda: _imports(python, "venv, ensurepip")),
        Requirement("ca-certificates", "certificates for secure downloads", _has_certificates),
        Requirement("binutils", "the linker ld", lambda: shutil.which("ld") is not None),
        *libraries,
        Requirement("fontconfig", "fc-list", lambda: shutil.which("fc-list") is not None),
        Requirement("fonts-dejavu-core", "at least one font", _has_fonts),
    ]


def ensure(python: str, profile: str, tell: Callable[[str], None]) -> None:
    """Install what is missing for a profile, or say how to.

    Raises:
        SystemPackagesError: something is missing and may not be installed from here.
    """
    if sys.platform == "linux":
        install_missing(requirements(python, profile), tell)


def install_missing(wanted: list[Requirement], tell: Callable[[str], None]) -> None:
    """Install what is missing of these, or say how to.

    Raises:
        SystemPackagesError: something is missing and may not be installed from here.
    """
    missing = [needed for needed in wanted if not needed.present()]
    if not missing:
        return
    prefix = _administrator_prefix()
    if shutil.which("apt-get") is None or prefix is None:
        raise SystemPackagesError(_what_to_type(missing))
    tell("Installing system packages: " + " ".join(needed.package for needed in missing))
    _apt_install([needed.package for needed in missing], prefix)
    still = [needed for needed in missing if not needed.present()]
    if still:
        raise SystemPackagesError("These were installed but cannot be found: " + _listed(still))


class _Loads:
    """Tells whether every one of some shared libraries can be loaded."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def __call__(self) -> bool:
        try:
            for name in self._names:
                ctypes.CDLL(name)
        except OSError:
            return False
        return True


def _imports(python: str, modules: str) -> bool:
    return subprocess.run([python, "-I", "-c", f"import {modules}"], capture_output=True, check=False).returncode == 0


def _has_certificates() -> bool:
    places = ssl.get_default_verify_paths()
    folder = Path(places.capath) if places.capath else None
    return places.cafile is not None or (folder is not None and any(folder.iterdir()))


def _font_files() -> Iterator[Path]:
    for folder in FONT_FOLDERS:
        for root, _, names in os.walk(Path(folder).expanduser()):
            yield from (Path(root, name) for name in names if name.lower().endswith((".ttf", ".otf", ".ttc")))


def _has_fonts() -> bool:
    return next(_font_files(), None) is not None


def _has_database_server() -> bool:
    return any(SERVER_FOLDERS.glob("*/bin/initdb")) or shutil.which("initdb") is not None


def _administrator_prefix() -> list[str] | None:
    """The words that make a command run as root without a question; None when there are none."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    allowed = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    return [sudo, "-n"] if sudo and allowed else None


def _apt_install(packages: list[str], prefix: list[str]) -> None:
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    # A failed update is not final: the lists already here may be good enough, and the install says if they are not.
    subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, check=False)
    with _no_server_of_its_own(prefix) if "postgresql" in packages else contextlib.nullcontext():
        installed = subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", *packages], stdin=subprocess.DEVNULL, check=False
        )
    if installed.returncode:
        raise SystemPackagesError("apt-get could not install them; its own words are above.\n" + _apt_line(packages))


@contextlib.contextmanager
def _no_server_of_its_own(prefix: list[str]) -> Iterator[None]:
    """Where PostgreSQL has never been, keep its package from making a server that would run from now on."""
    if SERVER_SETTINGS.exists():
        yield
        return
    setting = SERVER_SETTINGS / "createcluster.d/tether.conf"
    write = f"mkdir -p {setting.parent} && echo 'create_main_cluster = false' > {setting}"
    subprocess.run([*prefix, "sh", "-c", write], stdin=subprocess.DEVNULL, check=False)
    try:
        yield
    finally:
        remove = f"rm -f {setting}; rmdir --ignore-fail-on-non-empty -p {setting.parent}"
        subprocess.run([*prefix, "sh", "-c", remove], stdin=subprocess.DEVNULL, check=False)


def _apt_line(packages: list[str]) -> str:
    command = "apt-get update && apt-get install --no-install-recommends " + " ".join(packages)
    become_root = "sudo sh -c " if shutil.which("sudo") else "su -c "
    return f"Type this once, then repeat what you did:\n\n    {become_root}{shlex.quote(command)}\n"


def _listed(needed: list[Requirement]) -> str:
    return "; ".join(f"{item.package} ({item.provides})" for item in needed)


def _what_to_type(missing: list[Requirement]) -> str:
    if shutil.which("apt-get"):
        names = [needed.package for needed in missing]
        return "System packages are missing, and installing them needs the administrator.\n" + _apt_line(names)
    return (
        "Install these with your distribution's own packages, then repeat what you did"
        f" (named as in Debian): {_listed(missing)}"
    )
