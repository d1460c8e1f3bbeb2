"""The set-up of a fresh checkout: what is done again, what is not, and what a person is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


class Checkout:
    """A checkout whose commands are written down instead of run."""

    def __init__(self, bootstrap: ModuleType, root: Path) -> None:
        self.bootstrap = bootstrap
        self.root = root
        self.commands: list[list[str]] = []
        self.before_command: Callable[[list[str]], None] = lambda command: None

    def call(self, command: list[str]) -> None:
        self.before_command(command)
        self.commands.append(command)
        if "venv" in command:
            program = self.bootstrap.venv_program("python")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.touch()
            self.bootstrap.venv_program("tether").touch()

    def steps(self, profile: str) -> list[str]:
        """Which of the three steps a set-up does."""
        self.commands.clear()
        self.bootstrap.set_up(profile)
        names = {"venv": "venv", "--require-hashes": "packages", "--editable": "project"}
        return [name for command in self.commands for word, name in names.items() if word in command]


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PACKAGING)
    import bootstrap

    return bootstrap


@pytest.fixture
def checkout(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(bootstrap, tmp_path)
    locks = {name: tmp_path / f"{name}.txt" for name in ("run", "dev")}
    for path in (*locks.values(), tmp_path / "pyproject.toml"):
        path.write_text("one", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv/tether-setup.json")
    monkeypatch.setattr(bootstrap, "LOCKS", locks)
    monkeypatch.setattr(bootstrap, "_call", made.call)
    monkeypatch.setattr(bootstrap.system_packages, "ensure", lambda python, profile, tell: None)
    return made


def test_a_fresh_checkout_gets_an_environment_the_packages_and_the_project(checkout: Checkout) -> None:
    assert checkout.steps("run") == ["venv", "packages", "project"]


def test_a_second_set_up_does_nothing(checkout: Checkout) -> None:
    checkout.steps("dev")
    assert checkout.steps("dev") == []
    assert checkout.steps("run") == []


def test_tests_after_a_run_only_add_their_packages(checkout: Checkout) -> None:
    checkout.steps("run")
    assert checkout.steps("dev") == ["packages", "project"]
    assert "dev.txt" in " ".join(checkout.commands[0])


def test_each_profile_asks_for_its_system_packages_once(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        checkout.bootstrap.system_packages, "ensure", lambda python, profile, tell: asked.append(profile)
    )
    for profile in ("run", "run", "dev", "run", "dev"):
        checkout.steps(profile)
    (checkout.root / "pyproject.toml").write_text("two", encoding="utf-8")
    checkout.steps("run")
    assert asked == ["run", "dev"]


def test_new_project_metadata_reinstalls_the_project_alone_and_keeps_the_tests_packages(checkout: Checkout) -> None:
    checkout.steps("dev")
    (checkout.root / "pyproject.toml").write_text("two", encoding="utf-8")
    assert checkout.steps("run") == ["project"]
    assert checkout.steps("dev") == []


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_a_new_lock_makes_the_environment_anew(checkout: Checkout, lock: str) -> None:
    checkout.steps("run")
    (checkout.root / lock).write_text("two", encoding="utf-8")
    assert checkout.steps("run") == ["venv", "packages", "project"]


def test_an_environment_moved_to_another_place_is_made_anew(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.steps("run")
    monkeypatch.setattr(checkout.bootstrap, "ROOT", tmp_path / "elsewhere")
    monkeypatch.setattr(checkout.bootstrap, "project_key", lambda: "same")
    (tmp_path / "elsewhere/build").mkdir(parents=True)
    assert checkout.steps("run")[0] == "venv"


@pytest.mark.parametrize("missing", ["python", "tether"])
def test_an_environment_that_lost_a_program_is_mended(checkout: Checkout, missing: str) -> None:
    checkout.steps("run")
    checkout.bootstrap.venv_program(missing).unlink()
    assert "project" in checkout.steps("run")


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}"])
def test_a_damaged_stamp_is_not_trusted(checkout: Checkout, text: str) -> None:
    checkout.steps("run")
    checkout.bootstrap.STAMP.write_text(text, encoding="utf-8")
    assert checkout.steps("run")[0] == "venv"


@pytest.mark.parametrize("stopped_at", ["venv", "--require-hashes", "--editable"])
def test_a_set_up_that_was_stopped_leaves_nothing_that_looks_finished(checkout: Checkout, stopped_at: str) -> None:
    def stop(command: list[str]) -> None:
        if stopped_at in command:
            raise KeyboardInterrupt

    checkout.before_command = stop
    with pytest.raises(KeyboardInterrupt):
        checkout.bootstrap.set_up("run")
    checkout.before_command = lambda command: None
    assert checkout.steps("run") == ["venv", "packages", "project"]


def test_an_upgrade_that_was_stopped_is_not_taken_for_the_environment_before(checkout: Checkout) -> None:
    checkout.steps("run")

    def stop(command: list[str]) -> None:
        raise KeyboardInterrupt

    checkout.before_command = stop
    with pytest.raises(KeyboardInterrupt):
        checkout.bootstrap.set_up("dev")
    checkout.before_command = lambda command: None
    assert checkout.steps("run") == ["venv", "packages", "project"]


def test_packages_are_installed_hash_checked_and_from_wheels_only(checkout: Checkout) -> None:
    checkout.steps("run")
    install = next(command for command in checkout.commands if "--require-hashes" in command)
    assert install[install.index("--only-binary") + 1] == ":all:"
    itself = next(command for command in checkout.commands if "-e" in command or "--editable" in command)
    assert "--no-build-isolation" in itself
    assert checkout.commands[-1][-2:] == [str(checkout.root / "packaging" / "translations.py"), "release"]


def test_a_failing_step_names_its_command(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.SetupError, match="exit code 3"):
        bootstrap._call([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupt_is_told_in_one_line(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(profile: str) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "set_up", interrupted)
        assert bootstrap.main(["setup"]) == 130
    assert "the same command starts over" in capsys.readouterr().err


def test_the_interpreter_is_the_one_outside_the_virtual_environment(bootstrap: ModuleType) -> None:
    base = bootstrap.base_python()
    prefix = subprocess.run(
        [base, "-I", "-c", "import sys; print(sys.prefix == sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert prefix.stdout.strip() == "True"


def test_an_unsupported_python_is_told_what_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "PYTHONS", ((3, 99),))
    monkeypatch.setenv("PATH", "")
    assert bootstrap.main(["setup"]) == 1
    assert "needs one of 3.99" in capsys.readouterr().err


def test_another_python_on_the_path_is_used_when_this_one_does_not_suit(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "PYTHONS", ((3, 98), (3, 99)))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/elsewhere/{name}" if name == "python3.98" else None)
    monkeypatch.setattr(bootstrap, "_replace_process", lambda command: started.append(command) or 0)
    with pytest.raises(SystemExit):
        bootstrap.main(["setup", "--dev"])
    assert started == [["/elsewhere/python3.98", bootstrap.__file__, "setup", "--dev"]]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_screen_the_terminal_is_offered(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bootstrap, "set_up", lambda profile: None)
    monkeypatch.setattr(bootstrap, "add_starter_model", lambda: None)
    assert bootstrap.main(["run"]) == 1
    assert ".venv/bin/tether chat" in capsys.readouterr().err


def test_a_model_without_a_library_does_not_look_usable(bootstrap: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "Model").mkdir()
    (tmp_path / "Model/mlc-chat-config.json").touch()
    assert not bootstrap.looks_usable([tmp_path])
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs/model.so").touch()
    assert bootstrap.looks_usable([tmp_path / "absent", tmp_path])


def test_the_model_folders_follow_the_programs_own_setting(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_DIST_PATH", os.pathsep.join(["models", str(tmp_path)]))
    assert bootstrap.model_roots() == [bootstrap.ROOT / "models", tmp_path]


@pytest.fixture
def answers(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, SimpleNamespace]:
    """What the program answers to `models list` and `models add`; the model folder is empty."""
    known = {"list": SimpleNamespace(returncode=0, stdout="[]"), "add": SimpleNamespace(returncode=0)}
    asked: list[str] = []

    def run(command: list[str], **options: object) -> SimpleNamespace:
        asked.append(command[2])
        return known[command[2]]

    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    return known | {"asked": asked}


def test_the_starter_model_is_added_where_there_is_none(
    bootstrap: ModuleType, answers: dict[str, SimpleNamespace]
) -> None:
    bootstrap.add_starter_model()
    assert answers["asked"] == ["list", "add"]


@pytest.mark.parametrize(("usable", "commands"), [(True, ["list"]), (False, ["list", "add"])])
def test_a_model_in_any_place_counts_when_the_program_can_use_it(
    bootstrap: ModuleType, answers: dict[str, SimpleNamespace], usable: bool, commands: list[str]
) -> None:
    answers["list"].stdout = json.dumps([{"name": "Deeper/Model", "usable": usable}])
    bootstrap.add_starter_model()
    assert answers["asked"] == commands


def test_a_starter_model_that_fails_is_told_and_the_window_opens_all_the_same(
    bootstrap: ModuleType, answers: dict[str, SimpleNamespace], capsys: pytest.CaptureFixture[str]
) -> None:
    answers["add"].returncode = 1
    bootstrap.add_starter_model()
    assert "could not be added" in capsys.readouterr().out
