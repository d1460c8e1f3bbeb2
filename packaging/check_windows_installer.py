"""Tries the installer of Windows under Wine, with a stand-in for the program; needs makensis and wine (64 bits).

    python packaging/check_windows_installer.py

What it cannot show: that Windows itself lets it pass, and that the program runs. The release workflow tries that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import program_icons
from package_windows import ROOT, compile_installer, makensis

UNINSTALL_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\org.tetherdesktop.Tether"
FOLDER = "Programme für Jörg"
UNINSTALLER = "Uninstall Tether.exe"
WINE = {"WINEARCH": "win64", "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8"}


class Machine:
    """A Windows of its own, in a folder.

    Attributes:
        local: the person's local data.
        program: where the program is installed to.
    """

    def __init__(self, work: Path) -> None:
        self._wine = shutil.which("wine") or "wine"
        self._environment = {**os.environ, **WINE, "WINEPREFIX": str(work / "prefix")}
        self.run("wineboot", "--init")
        self.run("winecfg", "-v", "win10")
        (self.local,) = (work / "prefix/drive_c/users").glob("*/AppData/Local")
        self.program = self.local / "Programs/Tether"

    def run(self, *command: str | Path) -> int:
        """Run a program of Windows; its exit status."""
        words = [part for word in command for part in _unquoted(str(word))]
        done = subprocess.run(
            [self._wine, *words], env=self._environment, capture_output=True, check=False, timeout=180
        )
        return done.returncode

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program of Windows."""
        return subprocess.Popen([self._wine, *command], env=self._environment, stdout=subprocess.DEVNULL)

    def close(self) -> None:
        """End everything that runs, and wait until it is written down."""
        server = shutil.which("wineserver")
        for what in ("-k", "-w") if server else ():
            subprocess.run([str(server), what], env=self._environment, check=False)

    def registry(self, key: str) -> str:
        """What the registry has under a key, and below it; empty for nothing."""
        command = [self._wine, "reg", "query", key, "/s"]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""

    @property
    def told(self) -> list[str]:
        """With which arguments the stand-ins were started, since the last time."""
        file = self.local / "told.txt"
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def uninstall(self, folder: Path, *switches: str) -> int:
        """Run the uninstaller of a folder and wait for it; its exit status.

        Unless it is told where it is, it goes on in a copy of itself, which removes it as well.
        """
        status = self.run(folder / UNINSTALLER, "/S", *switches, f"_?={_windows(folder)}")
        if status == 0:
            (folder / UNINSTALLER).unlink()
        return status


def main() -> int:
    """Try everything, each on what the one before has left."""
    for name in ("makensis", "wine"):
        if shutil.which(name) is None:
            print(f"{name} is not installed", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="tether-wine-", ignore_cleanup_errors=True) as scratch:
        work = Path(scratch)
        machine = Machine(work)
        installers = [_build(work, version) for version in ("1.0.0", "1.1.0")]
        for check in CHECKS:
            check(machine, *installers)
            print(f"ok: {check.__doc__}", flush=True)
        machine.close()
    return 0


def _build(work: Path, version: str) -> Path:
    """An installer whose program is a stand-in."""
    payload, target = work / f"payload-{version}", work / f"tether-{version}-setup.exe"
    (payload / "_internal").mkdir(parents=True)
    (payload / "_internal/version").write_text(version, encoding="utf-8")
    shutil.copyfile(ROOT / "LICENSE", payload / "_internal/LICENSE")
    stand_in = ROOT / "packaging/windows/stand_in.nsi"
    makensis(stand_in, {"TARGET": str(payload / "tether.exe"), "STUB_64": ""})
    shutil.copyfile(payload / "tether.exe", payload / "tether-window.exe")
    program_icons.write_icons(work / "icons")
    compile_installer(payload, version, "lite", work / "icons/tether.ico", target, more={"STUB_64": ""})
    return target


def _installed(machine: Machine) -> str:
    file = machine.program / "_internal/version"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def silent_installation(machine: Machine, first: Path, _second: Path) -> None:
    """A silent installation puts program, menu entry, file type and uninstaller in place."""
    _expect(machine.run(first, "/S") == 0)
    _expect(_installed(machine) == "1.0.0")
    _expect((machine.program / UNINSTALLER).exists())
    _expect("1.0.0" in machine.registry(UNINSTALL_KEY))
    _expect('tether-window.exe" "%1"' in machine.registry(r"HKCU\Software\Classes\Tether.Model"))
    _expect("Tether.Model" in machine.registry(r"HKCU\Software\Classes\.gguf"))
    _expect(any((machine.local.parent / "Roaming").rglob("Tether.lnk")))
    _expect(machine.told == ["tether.exe desktop add"])
    _expect(not list(machine.program.parent.glob("Tether.*")))


def newer_version(machine: Machine, _first: Path, second: Path) -> None:
    """A newer version takes the place of the older one, and keeps what was added to it."""
    (machine.program / "compiler").mkdir()
    (machine.program / "_internal/left over").touch()
    _expect(machine.run(second, "/S", "/NOPATH") == 0)
    _expect(_installed(machine) == "1.1.0")
    _expect((machine.program / "compiler").is_dir())
    _expect(not (machine.program / "_internal/left over").exists())
    _expect("1.1.0" in machine.registry(UNINSTALL_KEY))
    _expect(machine.told == [])


def cut_off(machine: Machine, _first: Path, second: Path) -> None:
    """An installation that was cut off is mended by the next one."""
    machine.program.rename(machine.program.with_name("Tether.old"))
    (machine.program.with_name("Tether.part") / "_internal").mkdir(parents=True)
    _expect(machine.run(second, "/S", "/NOPATH") == 0)
    _expect(_installed(machine) == "1.1.0")
    _expect((machine.program / "compiler").is_dir())
    _expect(not list(machine.program.parent.glob("Tether.*")))


def still_open(machine: Machine, first: Path, _second: Path) -> None:
    """While the window is open, nothing is replaced or removed."""
    window = machine.start(machine.program / "tether-window.exe", "--stay")
    while not (machine.local / "open.txt").exists():
        _expect(window.poll() is None)
    _expect(machine.run(first, "/S") == 1)
    _expect(machine.uninstall(machine.program) != 0)
    _expect(_installed(machine) == "1.1.0")
    (machine.local / "open.txt").unlink()
    window.wait(timeout=60)
    _expect(machine.told == ["tether-window.exe --stay"])


def other_folder(machine: Machine, first: Path, _second: Path) -> None:
    """A folder with something else in it is refused, an empty one with an odd name is not."""
    letters = machine.local / "letters"
    letters.mkdir()
    (letters / "dear.txt").touch()
    _expect(machine.run(first, "/S", f"/D={_windows(letters)}") == 1)
    _expect([path.name for path in letters.iterdir()] == ["dear.txt"])
    empty = machine.local / FOLDER
    empty.mkdir()
    _expect(machine.run(first, "/S", "/PORTABLE", f"/D={_windows(empty)}") == 0)
    _expect((empty / "portable").exists())
    _expect(machine.told == [])
    _expect(str(_windows(empty)) not in machine.registry(UNINSTALL_KEY))


def portable_copy(machine: Machine, _first: Path, second: Path) -> None:
    """A portable copy keeps its data when it is replaced, and leaves the other one alone when it is removed."""
    folder = machine.local / FOLDER
    (folder / "data").mkdir()
    (folder / "data/tether.db").write_bytes(b"chats")
    _expect(machine.run(second, "/S", f"/D={_windows(folder)}") == 0)
    _expect((folder / "_internal/version").read_text(encoding="utf-8") == "1.1.0")
    _expect((folder / "data/tether.db").read_bytes() == b"chats")
    _expect(machine.uninstall(folder) == 0)
    _expect(sorted(path.name for path in folder.iterdir()) == ["data", "portable"])
    _expect("1.1.0" in machine.registry(UNINSTALL_KEY))
    _expect(machine.told == [])


def removal(machine: Machine, _first: Path, _second: Path) -> None:
    """Removing takes everything away that was put there, and leaves what a person added."""
    (machine.program / "notes.txt").touch()
    _expect(
        machine.run("reg", "add", r"HKCU\Software\Classes\.gguf\OpenWithProgids", "/v", "Other", "/t", "REG_NONE") == 0
    )
    _expect(machine.uninstall(machine.program) == 0)
    _expect([path.name for path in machine.program.iterdir()] == ["notes.txt"])
    _expect(machine.registry(UNINSTALL_KEY) == "")
    _expect(machine.registry(r"HKCU\Software\Classes\Tether.Model") == "")
    _expect("Other" in machine.registry(r"HKCU\Software\Classes\.gguf"))
    _expect("Tether.Model" not in machine.registry(r"HKCU\Software\Classes\.gguf"))
    _expect(not any((machine.local.parent / "Roaming").rglob("Tether.lnk")))
    _expect(machine.told == ["tether.exe desktop remove"])
    (machine.program / "notes.txt").unlink()


def removal_with_data(machine: Machine, first: Path, _second: Path) -> None:
    """Removing with data has the program erase it first."""
    _expect(machine.run(first, "/S", "/NOPATH") == 0)
    _expect(machine.uninstall(machine.program, "/DATA") == 0)
    _expect(machine.told == ["tether.exe uninstall --data --yes", "tether.exe desktop remove"])


CHECKS: tuple[Callable[[Machine, Path, Path], None], ...] = (
    silent_installation,
    newer_version,
    cut_off,
    still_open,
    other_folder,
    portable_copy,
    removal,
    removal_with_data,
)


def _unquoted(word: str) -> list[str]:
    """A word as several, where NSIS wants a folder as the rest of the line, without the quotes that spaces get."""
    return word.split(" ") if word.startswith(("/D=", "_?=")) else [word]


def _windows(path: Path) -> str:
    """A path as Windows has it."""
    inside = str(path).rpartition("/drive_c/")[2]
    return "C:\\" + inside.replace("/", "\\")


def _expect(holds: bool) -> None:
    """Stop where it does not hold; the traceback shows what."""
    if not holds:
        raise AssertionError


if __name__ == "__main__":
    sys.exit(main())
