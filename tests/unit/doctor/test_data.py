"""What the doctor finds about the log and the conversations."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from tether_desktop import paths
from tether_desktop.context.store import Store
from tether_desktop.doctor.data import look_at_database, look_at_log
from tether_desktop.logs import log_file
from tether_desktop.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AS_TEXT = "{time}.000Z {level} 17 MainThread tether_desktop.somewhere: An ERROR is mentioned"
AS_JSON = '{{"time": "{time}.000Z", "level": "{small}", "message": "An ERROR is mentioned"}}'


def write_log(form: str, *lines: tuple[str, str]) -> None:
    paths.make_private_folder(log_file().parent)
    text = [form.format(time=time, level=level, small=level.lower()) for time, level in lines]
    log_file().write_text("\n".join([*text, "  a line of a traceback with ERROR in it"]), encoding="utf-8")


@pytest.mark.parametrize("form", [AS_TEXT, AS_JSON])
def test_errors_of_the_last_day_are_counted(form: str) -> None:
    write_log(
        form,
        ("2026-03-01T11:59:59", "ERROR"),
        ("2026-03-01T12:00:00", "ERROR"),
        ("2026-03-02T08:00:00", "CRITICAL"),
        ("2026-03-02T09:00:00", "WARNING"),
    )
    found = look_at_log(NOW)
    assert found.status == "warn"
    assert found.message.endswith("; 2 errors within a day")


def test_older_files_count_as_well() -> None:
    write_log(AS_TEXT, ("2026-03-02T08:00:00", "INFO"))
    log_file().rename(log_file().with_name("tether.log.1"))
    write_log(AS_TEXT, ("2026-03-02T08:00:00", "INFO"))
    assert look_at_log(NOW).message.endswith("; no errors within a day")
    log_file().with_name("tether.log.2").write_text(AS_TEXT.format(time="2026-03-02T07:00:00", level="ERROR"))
    assert look_at_log(NOW).message.endswith("; 1 error within a day")


def test_a_log_that_is_not_there_yet_is_fine() -> None:
    assert look_at_log(NOW).status == "ok"


def test_a_log_that_cannot_be_written_is_a_warning() -> None:
    paths.make_private_folder(paths.data_dir())
    paths.log_dir().touch()
    assert look_at_log(NOW).status == "warn"
    assert look_at_log(NOW).remedy


def test_conversations_are_counted_with_the_size_and_kind_of_their_database() -> None:
    settings = Settings()
    assert "not there yet" in look_at_database(settings).message
    paths.make_private_folder(paths.data_dir())
    with closing(Store(settings.database_url)) as store:
        store.create_session()
        store.delete_session(store.create_session().id)
    found = look_at_database(settings)
    assert found.status == "ok"
    assert found.message.startswith("1 conversation and 1 in the bin, 1")
    assert found.message.endswith("with full-text search")


def test_a_server_that_cannot_be_reached_is_a_failure_that_tells_no_password() -> None:
    found = look_at_database(Settings(sqlite_url="postgresql://ann:secret@127.0.0.1:1/tether"))
    assert found.status == "fail"
    assert found.remedy
    assert "secret" not in repr(found)
