"""The settings table: where values come from, and what is said about wrong ones."""

from __future__ import annotations

import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tether_desktop import paths
from tether_desktop.context.store import Store
from tether_desktop.errors import SettingsError
from tether_desktop.settings import Settings, load_settings, save_settings, setting_rows


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TETHER_CHAT_TITLES")


def write_file(text: str | bytes) -> Path:
    path = paths.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def saved() -> dict[str, Any]:
    found = json.loads(paths.settings_path().read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_without_a_file_and_variables_the_defaults_hold() -> None:
    assert load_settings().model_dump() == {row.name: row.default for row in setting_rows()}
    assert not paths.settings_path().exists()


def test_a_variable_goes_before_the_file_and_the_file_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file('{"top_k": 10, "max_tokens": 20}')
    monkeypatch.setenv("TETHER_TOP_K", "30")
    settings = load_settings()
    assert (settings.top_k, settings.max_tokens, settings.threads) == (30, 20, 0)
    assert Settings(top_k=5).top_k == 5


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("MLC_DIST_PATH", "dist_path"),
        ("MLC_SQLITE_URL", "sqlite_url"),
        ("TETHER_THREADS", "threads"),
        ("TETHER_MODEL", "default_model"),
        ("TETHER_TEMPERATURE", "temperature"),
    ],
)
def test_the_variables_keep_their_names(monkeypatch: pytest.MonkeyPatch, variable: str, name: str) -> None:
    monkeypatch.setenv(variable, "3")
    assert getattr(load_settings(), name) in {"3", 3}


def test_every_setting_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(setting_rows())
    assert len({row.env for row in rows}) == len(rows)
    assert all(row.env.startswith(("MLC_", "TETHER_")) for row in rows)
    assert all(row.title and row.description and row.allowed for row in rows)


def test_variables_named_like_a_field_are_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("temperature", "TEMPERATURE", "threads", "THREADS", "theme"):
        monkeypatch.setenv(name, "77")
    assert load_settings() == Settings.model_construct(**{row.name: row.default for row in setting_rows()})


def test_zero_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_TEMPERATURE", "0")
    save_settings(repetition_penalty=2, top_k=0, min_p=0.0, threads=0)
    settings = load_settings()
    assert (settings.temperature, settings.top_k, settings.min_p, settings.threads) == (0, 0, 0, 0)
    assert saved() == {"repetition_penalty": 2, "top_k": 0, "min_p": 0, "threads": 0}


@pytest.mark.parametrize("word", ["no", "false", "off", "0", "null", "None"])
def test_a_text_stays_the_text_it_is(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("TETHER_SYSTEM_PROMPT", word)
    save_settings(default_model=word)
    assert (load_settings().system_prompt, load_settings().default_model) == (word, word)


def test_an_empty_text_is_a_value_in_the_file_and_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_SYSTEM_PROMPT", "")
    monkeypatch.setenv("TETHER_TOP_K", "")
    assert load_settings().system_prompt == "You are a helpful assistant."
    save_settings(system_prompt="")
    assert load_settings().system_prompt == ""
    assert load_settings().top_k == 0


def test_a_wrong_variable_is_named_with_its_value_and_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_TEMPERATURE", "hot")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message == 'Temperature (temperature) is "hot", but has to be a number from 0 up to 5.'
    assert caught.value.hint == "Correct it in the environment variable TETHER_TEMPERATURE."


def test_all_wrong_values_are_named_at_once_with_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file('{"theme": "pink", "threads": 700, "top_p": 0}')
    monkeypatch.setenv("TETHER_THREADS", "eighty")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for problem in (
        'Compute threads (threads) is "eighty", but has to be a whole number from 0 up to 256.',
        'Theme (theme) is "pink", but has to be one of system, light, dark.',
        "Top-p (top_p) is 0, but has to be a number above 0 up to 1.",
    ):
        assert problem in caught.value.message
    assert caught.value.hint == f"Correct it in {path} and in the environment variable TETHER_THREADS."
    assert path.exists()


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "5.1", "0,5"])
def test_a_temperature_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TETHER_TEMPERATURE", value)
    with pytest.raises(SettingsError, match="from 0 up to 5"):
        load_settings()


@pytest.mark.parametrize("content", ["{", "[1, 2]", '"text"', "{'theme': 'dark'}", b"\xff\xfe\x00", '{"theme": "dark"'])
def test_a_damaged_file_is_kept_aside_and_the_next_start_works(content: str | bytes) -> None:
    path = write_file(content)
    with pytest.raises(SettingsError, match="damaged") as caught:
        load_settings()
    (kept,) = path.parent.iterdir()
    assert kept.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert kept.name in caught.value.hint
    assert load_settings().theme == "system"


def test_a_file_from_a_windows_editor_is_understood() -> None:
    write_file('\ufeff{\r\n  "theme": "dark"\r\n}\r\n')
    assert load_settings().theme == "dark"


@pytest.mark.parametrize("content", ["", " \n", "{}"])
def test_an_empty_file_changes_nothing(content: str) -> None:
    write_file(content)
    assert load_settings().theme == "system"


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    paths.settings_path().mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings()
    assert caught.value.hint


def test_saving_keeps_everything_else() -> None:
    write_file('{"theme": "dark", "of_a_newer_version": {"a": [1]}, "top_k": 3}')
    save_settings(theme="light", system_prompt="Höflich, 日本語")
    assert saved() == {
        "theme": "light",
        "of_a_newer_version": {"a": [1]},
        "top_k": 3,
        "system_prompt": "Höflich, 日本語",
    }
    assert "日本語" in paths.settings_path().read_text(encoding="utf-8")


def test_saving_none_forgets_a_setting() -> None:
    save_settings(theme="dark", top_k=5)
    save_settings(theme=None)
    assert saved() == {"top_k": 5}
    assert load_settings().theme == "system"


def test_a_number_typed_as_text_is_saved_as_a_number() -> None:
    save_settings(temperature="0.5", top_k="7")
    assert saved() == {"temperature": 0.5, "top_k": 7}


def test_a_value_that_is_not_allowed_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(theme="dark")
    with pytest.raises(SettingsError, match="one of system, light, dark") as caught:
        save_settings(theme="pink", top_k=4)
    assert caught.value.title == "The setting cannot be saved"
    assert saved() == {"theme": "dark"}


def test_a_wrong_variable_does_not_keep_another_setting_from_being_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_THREADS", "eighty")
    save_settings(theme="dark")
    assert saved() == {"theme": "dark"}


def test_an_unknown_setting_is_not_saved() -> None:
    with pytest.raises(SettingsError, match=r"no such setting: colour\.") as caught:
        save_settings(colour="red")
    assert "theme" in caught.value.hint
    assert not paths.settings_path().exists()


def test_a_text_that_cannot_be_written_is_made_writable() -> None:
    save_settings(system_prompt="half \ud83d of an emoji")
    assert load_settings().system_prompt == "half ? of an emoji"


def test_threads_that_save_at_once_lose_nothing() -> None:
    changes: list[dict[str, Any]] = [
        {"theme": "dark"},
        {"top_k": 3},
        {"min_p": 0.5},
        {"max_tokens": 9},
        {"threads": 2},
    ] * 4
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda change: save_settings(**change), changes))
    assert saved() == {"theme": "dark", "top_k": 3, "min_p": 0.5, "max_tokens": 9, "threads": 2}
    assert [file.name for file in paths.data_dir().iterdir()] == ["settings.json"]


def test_a_power_cut_while_saving_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(theme="dark")

    def cut(*_arguments: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut)
        with pytest.raises(SettingsError, match="cannot be saved") as caught:
            save_settings(theme="light")
    assert "disk has room" in caught.value.hint
    assert saved() == {"theme": "dark"}
    assert [file.name for file in paths.data_dir().iterdir()] == ["settings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists instead of modes")
def test_only_its_owner_may_read_the_file() -> None:
    save_settings(system_prompt="private")
    assert stat.S_IMODE(paths.settings_path().stat().st_mode) == 0o600


def test_settings_do_not_change_and_do_not_show_passwords() -> None:
    settings = Settings(sqlite_url="postgresql://me:hunter2@host/chats")
    assert "hunter2" not in repr(settings) + str(settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.theme = "dark"


def test_the_database_is_in_the_data_folder_unless_a_url_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().database_url == f"sqlite:///{paths.database_path()}"
    monkeypatch.setenv("MLC_SQLITE_URL", "sqlite:////elsewhere.db")
    assert load_settings().database_url == "sqlite:////elsewhere.db"


def test_a_data_folder_of_any_name_holds_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("50%20 off #1 ü@x" if sys.platform == "win32" else "50%20 off? #1 ü@x:y")
    monkeypatch.setenv("TETHER_DATA_DIR", str(folder))
    Store(load_settings().database_url).close()
    assert [file.name for file in folder.iterdir()] == ["tether.db"]


def test_model_folders_are_absolute_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    root = paths.installation_root()
    assert Settings().dist_roots == (root / "dist",)
    folders = os.pathsep.join(["models", str(tmp_path / "a b"), "", "~/mine"])
    assert Settings(dist_path=folders).dist_roots == (root / "models", tmp_path / "a b", tmp_path / "mine")
    assert Settings(dist_path=os.pathsep).dist_roots == (root / "dist",)
