"""What is tried in bare systems: everything that is handed out is installed, used and removed, and faults are borne."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trials.desk import wait_until
from trials.older_database import write_first_database
from trials.system import USER, System
from trials.talk import QUESTION, Program, check_database, converse, errors, first_token_in_terminal, opened

MOST_SECONDS = 10.0
"""From installing the full edition to the first token."""

_OF_THE_SYSTEM = (".cache/fontconfig/",)
"""What libraries of the system write for all programs alike."""

_DEB_HOME = "/usr/lib/tether-desktop"


@dataclass(frozen=True, slots=True)
class Files:
    """What is handed out.

    Attributes:
        folder: where it lies.
        version: of it.
        pictures: where pictures of the screen go.
        figures: times and sizes that were found, by what they are.
    """

    folder: Path
    version: str
    pictures: Path
    figures: dict[str, str] = field(default_factory=dict)

    def deb(self, edition: str) -> Path:
        """The Debian package of an edition."""
        return self.folder / f"tether-desktop_{self.version}_{edition}_amd64.deb"

    def of(self, edition: str, kind: str) -> Path:
        """The archive or the installer of an edition."""
        return self.folder / f"tether-desktop-{self.version}-{edition}-linux-x86_64.{kind}"

    @property
    def compiler(self) -> Path:
        """The Debian package of the compiler."""
        return self.folder / f"tether-desktop-compiler_{self.version}_amd64.deb"

    def note(self, system: System, what: str, value: str) -> None:
        """Keep a figure for the table at the end."""
        self.figures[f"{system.suite}: {what}"] = value


def full_package(system: System, files: Files) -> None:
    """Install the full edition, ask in the terminal and in the window, remove it: only what is one's own is left."""
    before = system.files()
    program = Program(system, "tether", USER, _home_data(system))
    package = system.put(files.deb("full"))
    # The disk has just been given a whole system; dpkg would wait for that as well.
    os.sync()
    start = time.time()
    system.run("dpkg", "-i", package)
    installed = time.time()
    first = first_token_in_terminal(program) - start
    files.note(system, "dpkg -i of the full edition", f"{installed - start:.1f} s")
    files.note(system, "dpkg -i to the first token, in the terminal", f"{first:.1f} s")
    shutil.rmtree(program.data)
    with opened(program) as window:
        instants = converse(program, window, files.pictures / f"{system.suite}-full.png")
    shown = instants["shown"]
    files.note(system, "window shown to first token, typing included", f"{instants['first_token'] - shown:.1f} s")
    check_database(program)
    assert first < MOST_SECONDS, f"{first:.1f} s to the first token"
    _in_order(system, program)
    _remove(system, before, program)


def _in_order(system: System, program: Program) -> None:
    """What else an installed program is asked."""
    said = program.ask("doctor", check=False)
    assert "fail" not in said, said
    assert "as they came" in said, said
    assert system.run("dpkg", "--verify", "tether-desktop") == ""
    assert "came with Tether" in program.ask("models", "remove", _starter(program), "--yes", check=False)
    refused = system.run("tether", user=USER, DISPLAY="", check=False)
    assert "There is no screen" in refused, refused


def _remove(system: System, before: set[str], program: Program) -> None:
    """Remove the package; what was written stays, until it is erased by the person's own command."""
    kept = (program.data / "tether.db").stat().st_size
    system.run("dpkg", "--purge", "tether-desktop")
    left = system.files() - before
    assert not left, f"left behind: {sorted(left)[:20]}"
    assert (program.data / "tether.db").stat().st_size == kept


def lite_package(system: System, files: Files) -> None:
    """Install the lite edition: it opens, offers the starter, and says so when there is no network."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(files.deb("lite")))
    with opened(program) as window:
        window.press("Escape")
        time.sleep(1)
        window.picture(files.pictures / f"{system.suite}-lite.png")
    assert "no models" in program.ask("models", "list", check=False)
    offline = program.ask("models", "add", "starter", check=False)
    assert "cannot be reached" in offline, offline
    erased = program.ask("uninstall", "--data", "--yes")
    assert not (program.data / "tether.db").exists(), erased


def over_an_older_version(system: System, files: Files) -> None:
    """Install over an older version whose window is open: it goes on, says so when it cannot, and nothing is lost."""
    older = files.folder.parent / "package-test" / f"older-{files.version}.deb"
    _make_older(files.deb("full"), older)
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(older))
    with opened(program) as window:
        converse(program, window, files.pictures / f"{system.suite}-older.png")
        said = system.run("dpkg", "-i", system.put(files.deb("full")))
        refused = program.ask("chat", "--once", "Hello", check=False)
        _end_engine()
        window.type(QUESTION)
        wait_until(lambda: errors(program), "what the older window says", 30)
        window.picture(files.pictures / f"{system.suite}-replaced.png")
    assert "dpkg: error" not in said, said
    assert "already running" in refused.casefold(), refused
    assert "Another version was installed" in errors(program)[0], errors(program)
    check_database(program, failed=1)
    with opened(program) as window:
        window.picture(files.pictures / f"{system.suite}-newer.png")
    check_database(program, failed=1)


def _end_engine() -> None:
    """Kill the process that answers, as a system does that runs out of memory."""
    subprocess.run(["pkill", "--signal", "KILL", "--full", "--", "--child engine"], check=True)


def removed_while_open(system: System, files: Files) -> None:
    """Remove the program under its window: what is first needed then is there, it says what happened, and ends well."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(files.deb("full")))
    with opened(program) as window:
        converse(program, window, files.pictures / f"{system.suite}-before.png")
        system.run("dpkg", "--remove", "tether-desktop")
        window.press("ctrl+k")
        time.sleep(1)
        window.press("Escape")
        window.leave_and_come_back()
        wait_until(lambda: "was replaced or removed" in _log(program), "what the window says", 10)
        window.picture(files.pictures / f"{system.suite}-removed.png")
    check_database(program)
    assert "was not caught" not in _log(program), _log(program)


def _log(program: Program) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted((program.data / "logs").iterdir()))


def data_of_an_older_version(system: System, files: Files) -> None:
    """Open a database that the first version made: it is brought up to date, and a copy stays."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("install", "-d", str(Path("/") / program.data.relative_to(system.root)), user=USER)
    write_first_database(program.data / "tether.db", "From the first version")
    system.run("chown", "--recursive", f"{USER}:{USER}", f"/home/{USER}/.local")
    system.run("dpkg", "-i", system.put(files.deb("full")))
    assert "From the first version" in program.ask("sessions", "list")
    assert len(list(program.data.glob("tether.db.*.copy"))) == 1
    with opened(program) as window:
        window.press("Escape")
        window.picture(files.pictures / f"{system.suite}-migrated.png")


def two_versions(system: System, files: Files) -> None:
    """Two installed programs share one person's data: the one that comes second leaves it to the first."""
    system.run("dpkg", "-i", system.put(files.deb("full")))
    system.run("sh", system.put(files.of("lite", "run")), user=USER)
    program = Program(system, "tether", USER, _home_data(system))
    other = Program(system, f"/home/{USER}/.local/bin/tether", USER, program.data)
    with opened(program) as window:
        assert other.ask() == ""
        refused = other.ask("chat", "--once", "Hello", check=False)
        assert "already running" in refused.casefold(), refused
        converse(program, window, files.pictures / f"{system.suite}-two.png")
    check_database(program)
    assert other.ask("chat", "--once", "Hello", check=False).strip()


def _make_older(package: Path, target: Path) -> None:
    """The same package with an older number."""
    if target.exists() and target.stat().st_mtime > package.stat().st_mtime:
        return
    work = target.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-R", package, work], check=True)
    control = work / "DEBIAN/control"
    lines = control.read_text(encoding="utf-8").splitlines()
    numbered = ["Version: 0.0.1" if line.startswith("Version:") else line for line in lines]
    control.write_text("\n".join(numbered) + "\n", encoding="utf-8")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "-b", work, target], check=True)
    shutil.rmtree(work)


def installer(system: System, files: Files) -> None:
    """Run the installer as an ordinary user, talk, remove it: the home folder has only what is one's own."""
    before = system.home_files()
    script = system.put(files.of("full", "run"))
    system.run("sh", script, user=USER)
    home = system.root / "home" / USER
    program = Program(system, f"/home/{USER}/.local/bin/tether", USER, _home_data(system))
    with opened(program) as window:
        converse(program, window, files.pictures / f"{system.suite}-run.png")
    check_database(program)
    assert (home / ".local/share/applications/org.tetherdesktop.Tether.desktop").is_file()
    system.run("sh", f"/home/{USER}/.local/lib/tether-desktop/uninstall.sh", user=USER)
    left = {
        name for name in system.home_files() - before if not name.startswith((".local/share/Tether/", *_OF_THE_SYSTEM))
    }
    assert not left, f"left behind: {sorted(left)[:20]}"
    check_database(program)


def portable(system: System, files: Files) -> None:
    """Unpack the archive under a name that is hard, and let it keep everything there."""
    before = system.home_files()
    folder = f"/home/{USER}/Mein Stick — 漢字"
    system.run("mkdir", folder, user=USER)
    system.run("tar", "-xzf", system.put(files.of("full", "tar.gz")), "-C", folder, user=USER)
    system.run("touch", f"{folder}/tether/portable", user=USER)
    program = Program(system, f"{folder}/tether/tether", USER, system.root / f"{folder[1:]}/tether/data")
    with opened(program) as window:
        converse(program, window, files.pictures / f"{system.suite}-portable.png")
    check_database(program)
    shutil.rmtree(system.root / folder[1:])
    left = {name for name in system.home_files() - before if not name.startswith(_OF_THE_SYSTEM)}
    assert not left, f"left behind: {sorted(left)[:20]}"


def own_tools(system: System, files: Files) -> None:
    """A tool of one's own runs in the program's own Python, with all of the standard library."""
    system.run("dpkg", "-i", system.put(files.deb("lite")))
    program = Program(system, "tether", USER, _home_data(system))
    system.run("mkdir", "-p", f"/home/{USER}/.local/share/Tether/tools", user=USER)
    (program.data / "tools/look.py").write_text(_TOOL, encoding="utf-8")
    program.ask("tools", "allow", "look.py", "--yes")
    said = program.ask("tools", "call", "look", "{}")
    assert "missing: none" in said, said
    assert "told: nothing" in said, said


_TOOL = '''
"""Looks at what it runs in."""

import importlib
import os
import sys

from tether_desktop.tools.declaration import tool

# What is for terminals and other systems, and what programs are made with.
NOT_HERE = """antigravity crypt curses distutils ensurepip idlelib lib2to3 msilib msvcrt nis nt ossaudiodev pydoc_data
readline this tkinter turtle turtledemo venv winreg winsound""".split()


@tool()
def look() -> str:
    """Import every module of the standard library, and look for traces of the starter."""
    missing = []
    for name in sorted(sys.stdlib_module_names):
        if not name.startswith("_") and name not in NOT_HERE:
            try:
                importlib.import_module(name)
            except ImportError:
                missing.append(name)
    told = [name for name in os.environ if name.startswith(("_PYI", "LD_", "QT_PLUGIN", "QML"))]
    return f"missing: {', '.join(missing) or 'none'}; told: {', '.join(told) or 'nothing'}"
'''


def compiler(system: System, files: Files) -> None:
    """Without the compiler another instruction set is refused in a sentence; with its package it is compiled for."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(files.deb("full")))
    command = ("models", "compile", _starter(program), "--target", "avx2")
    shutil.rmtree(system.root / f"{_DEB_HOME[1:]}/_internal/models/libs")
    refused = program.ask(*command, check=False)
    assert "tether-desktop-compiler" in refused, refused
    system.run("sh", "-c", "dpkg -i /var/cache/apt/archives/*.deb")
    system.run("dpkg", "-i", system.put(files.compiler))
    start = time.monotonic()
    program.ask(*command)
    files.note(system, "compiling the starter's library", f"{time.monotonic() - start:.1f} s")
    assert list((program.data / "dist/libs").glob("*avx2.so"))


def opened_with(system: System, files: Files) -> None:
    """Double-click a model file while the window is open: it is handed over, packed and compiled, and can be asked."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(files.deb("full")))
    system.run("sh", "-c", "dpkg -i /var/cache/apt/archives/*.deb")
    system.run("dpkg", "-i", system.put(files.compiler))
    model = f"home/{USER}/Mein Modell — 漢字.gguf"
    write = [sys.executable, "-m", "tests.helpers.tiny_model", str(system.root / model)]
    subprocess.run(write, cwd=Path(__file__).resolve().parents[2], check=True)
    with opened(program) as window:
        window.press("Escape")
        assert system.run(*_double_click(system, f"/{model}"), user=USER) == ""
        wait_until(lambda: "Mein Modell" in program.ask("models", "list"), "the model that was opened", 60)
        time.sleep(0.5)  # what is seen comes after what is stored
        window.picture(files.pictures / f"{system.suite}-opened-with.png")
    listed = program.ask("models", "list")
    assert "Mein Modell" in listed, listed
    assert list((program.data / "dist/libs").glob("*.so")), "nothing was compiled for it"


def _double_click(system: System, path: str) -> list[str]:
    """What a desktop runs for a file, by the entry that was installed."""
    entry = system.root / "usr/share/applications/org.tetherdesktop.Tether.desktop"
    line = next(line for line in entry.read_text(encoding="utf-8").splitlines() if line.startswith("Exec="))
    return [path if word == "%F" else word for word in shlex.split(line.removeprefix("Exec="))]


def missing_libraries(system: System, files: Files) -> None:
    """Where libGL is missing, its package is named; the terminal works all the same."""
    program = Program(system, "tether", USER, _home_data(system))
    system.run("dpkg", "-i", system.put(files.deb("full")))
    for path in system.root.glob("usr/lib/x86_64-linux-gnu/libGL.so*"):
        path.unlink()
    said = program.ask(check=False)
    assert "libgl1" in said, said
    assert program.ask("chat", "--once", "Hello").strip()


def odd_homes(system: System, files: Files) -> None:
    """A home that cannot be written, one with spaces and letters of its own, and a disk that is full."""
    system.run("dpkg", "-i", system.put(files.deb("full")))
    odd = "/home/Müller & Söhne — 漢字"
    system.run("install", "-d", "-o", USER, "-g", USER, odd)
    said = system.run("tether", "chat", "--once", "Hello", user=USER, home=odd)
    assert said.strip()
    system.run("install", "-d", "-m", "555", "/home/locked")
    said = system.run("tether", "chat", "--once", "Hello", user=USER, home="/home/locked", check=False)
    assert "cannot be used" in said, said
    full = system.root / "home/full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", full], check=True)
    try:
        said = system.run("tether", "chat", "--once", "Hello", user=USER, home="/home/full", check=False)
        assert "Traceback" not in said, said
        said = system.run(
            "sh", system.put(files.of("lite", "run")), "--target", "/home/full/tether", user=USER, check=False
        )
        assert "Nothing was changed" in said, said
        assert not (full / "tether").exists()
    finally:
        subprocess.run(["umount", "--lazy", full], check=True)


def killed_installer(system: System, files: Files) -> None:
    """An installer that is killed leaves the older program as it was; the next one tidies up."""
    script = system.put(files.of("lite", "run"))
    target = system.root / f"home/{USER}/.local/lib/tether-desktop"
    system.run("sh", script, user=USER)
    running = subprocess.Popen(system.command("sh", script, user=USER), stderr=subprocess.DEVNULL)
    part = target.with_name("tether-desktop.part")
    while running.poll() is None and not (part / "tether").is_dir():
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert system.run(f"/home/{USER}/.local/bin/tether", "--version", user=USER).strip() == files.version
    system.run("sh", script, user=USER)
    assert [path.name for path in target.parent.iterdir()] == ["tether-desktop"]


def _home_data(system: System) -> Path:
    return system.root / "home" / USER / ".local/share/Tether"


def _starter(program: Program) -> str:
    return next(word for word in program.ask("models", "list").split() if word.startswith("SmolLM2"))


SCENARIOS: dict[str, Callable[[System, Files], None]] = {
    scenario.__name__: scenario
    for scenario in (
        full_package,
        lite_package,
        over_an_older_version,
        removed_while_open,
        data_of_an_older_version,
        two_versions,
        installer,
        portable,
        own_tools,
        compiler,
        opened_with,
        missing_libraries,
        odd_homes,
        killed_installer,
    )
}
