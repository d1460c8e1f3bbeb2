"""System libraries: found by loading them, and asked for in one line where they may not be installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems bring their own libraries")
PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def system_packages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PACKAGING)
    import system_packages

    return system_packages


class Machine:
    """A machine that lacks ``absent``, and writes down what apt is asked for."""

    def __init__(self, absent: list[str], *, programs: tuple[str, ...], apt_works: bool = True) -> None:
        self.absent = absent
        self.programs = programs
        self.apt_works = apt_works
        self.commands: list[list[str]] = []
        self.server_settings = Path("/")  # is there, so that nothing is written

    def which(self, name: str) -> str | None:
        return name if name in self.programs else None

    def run(self, command: list[str], **options: object) -> SimpleNamespace:
        self.commands.append(command)
        if "install" in command and self.apt_works:
            self.absent = [package for package in self.absent if package not in command]
        return SimpleNamespace(returncode=0 if self.apt_works else 100)

    def install_on(self, module: ModuleType, patch: pytest.MonkeyPatch, *, root: bool) -> None:
        names = ["libgl1", "binutils", "postgresql"]
        needed = [
            module.Requirement(name, f"lib of {name}", lambda name=name: name not in self.absent) for name in names
        ]
        patch.setattr(module, "requirements", lambda python, profile: needed)
        patch.setattr(module.os, "geteuid", lambda: 0 if root else 1000)
        patch.setattr(module.shutil, "which", self.which)
        patch.setattr(module.subprocess, "run", self.run)
        patch.setattr(module, "SERVER_SETTINGS", self.server_settings)


def quiet(text: str) -> None:
    """Says nothing."""


def test_a_machine_that_has_everything_is_left_alone(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine([], programs=("apt-get", "sudo"))
    machine.install_on(system_packages, monkeypatch, root=True)
    system_packages.ensure("python3", "run", quiet)
    assert machine.commands == []


def test_root_installs_what_is_missing_and_nothing_else_without_a_question(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(["libgl1"], programs=("apt-get",))
    machine.install_on(system_packages, monkeypatch, root=True)
    system_packages.ensure("python3", "run", quiet)
    install = machine.commands[-1]
    assert install[-3:] == ["-y", "--no-install-recommends", "libgl1"]
    assert "DEBIAN_FRONTEND=noninteractive" in install
    assert "sudo" not in install


def test_sudo_is_used_when_it_asks_no_password(system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(["libgl1"], programs=("apt-get", "sudo"))
    machine.install_on(system_packages, monkeypatch, root=False)
    system_packages.ensure("python3", "run", quiet)
    assert machine.commands[-1][:2] == ["sudo", "-n"]


@pytest.mark.parametrize(("programs", "start"), [(("apt-get", "sudo"), "sudo sh -c "), (("apt-get",), "su -c ")])
def test_without_rights_the_one_line_to_type_is_told(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...], start: str
) -> None:
    machine = Machine(["libgl1", "binutils"], programs=programs, apt_works=False)
    machine.install_on(system_packages, monkeypatch, root=False)
    line = "'apt-get update && apt-get install --no-install-recommends libgl1 binutils'"
    with pytest.raises(system_packages.SystemPackagesError, match="needs the administrator") as told:
        system_packages.ensure("python3", "run", quiet)
    assert f"    {start}{line}\n" in str(told.value)


def test_a_distribution_without_apt_is_told_the_files_to_look_for(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(["libgl1"], programs=())
    machine.install_on(system_packages, monkeypatch, root=True)
    with pytest.raises(system_packages.SystemPackagesError, match=r"libgl1 \(lib of libgl1\)"):
        system_packages.ensure("python3", "run", quiet)


def test_a_failing_apt_ends_with_the_line_to_try_by_hand(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(["libgl1"], programs=("apt-get",), apt_works=False)
    machine.install_on(system_packages, monkeypatch, root=True)
    with pytest.raises(system_packages.SystemPackagesError, match="could not install"):
        system_packages.ensure("python3", "run", quiet)


def test_the_database_server_of_the_tests_does_not_begin_to_run_by_itself(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = Machine(["postgresql"], programs=("apt-get", "sudo"))
    machine.server_settings = tmp_path / "postgresql-common"
    machine.install_on(system_packages, monkeypatch, root=False)
    system_packages.ensure("python3", "dev", quiet)
    setting = str(machine.server_settings / "createcluster.d/tether.conf")
    _, _, before, install, after = machine.commands
    assert before[:4] == ["sudo", "-n", "sh", "-c"]
    assert "create_main_cluster = false" in before[-1]
    assert before[-1].endswith(setting)
    assert install[-1] == "postgresql"
    assert f"rm -f {setting}" in after[-1]


def test_what_is_written_for_the_database_server_is_gone_afterwards(
    system_packages: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system_packages, "SERVER_SETTINGS", tmp_path / "postgresql-common")
    setting = tmp_path / "postgresql-common/createcluster.d/tether.conf"
    with system_packages._no_server_of_its_own([]):
        assert setting.read_text() == "create_main_cluster = false\n"
        (tmp_path / "postgresql-common/createcluster.conf").touch()
    assert [file.name for file in tmp_path.rglob("*")] == ["postgresql-common", "createcluster.conf"]


def test_only_the_tests_need_a_database_server(system_packages: ModuleType) -> None:
    run, dev = (
        {needed.package for needed in system_packages.requirements(sys.executable, profile)}
        for profile in ("run", "dev")
    )
    assert dev - run == {"postgresql", "xvfb", "xdotool"}
    assert run < dev


def test_a_library_counts_as_there_when_it_loads(system_packages: ModuleType) -> None:
    assert system_packages._Loads(("libc.so.6",))()
    assert not system_packages._Loads(("libc.so.6", "libnobody-has-this.so.9"))()


def test_a_python_without_venv_is_noticed(system_packages: ModuleType) -> None:
    assert system_packages._imports(sys.executable, "venv, ensurepip")
    assert not system_packages._imports(sys.executable, "venv, no_such_module")


def test_every_requirement_of_this_machine_is_met_since_the_tests_run(system_packages: ModuleType) -> None:
    outside = subprocess.run(
        [sys.executable, "-c", "import bootstrap; print(bootstrap.base_python())"],
        cwd=PACKAGING, capture_output=True, text=True, check=True,
    )  # fmt: skip
    missing = [
        needed.package for needed in system_packages.requirements(outside.stdout.strip(), "dev") if not needed.present()
    ]
    assert missing == []
