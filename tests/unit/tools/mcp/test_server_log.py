"""What servers print, for people."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.tools.mcp.server_log import ServerLog


def test_secrets_colours_and_control_characters_are_left_out(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "logs", "My Server", ("s3cret-value", "s3cret", "no"))
    log.write("\x1b[31mred\x1b[0m s3cret-value and s3cret, 100% no\u202e\n\n\x00\n")
    assert log.tail().split(" ", 2)[2] == "red ••• and •••, 100% no\n"
    assert log.last_line == "red ••• and •••, 100% no"
    log.close()
    log.write("again")
    assert log.tail().endswith("again\n")
    log.close()


def test_it_stays_within_its_size_and_shows_whole_lines(tmp_path: Path) -> None:
    log = ServerLog(tmp_path, "it")
    for number in range(40):
        log.write("\n".join(f"{number} " + "x" * 3000 for _ in range(30)))
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2.2 * (1 << 20)
    assert len(log.tail()) <= 64 << 10
    assert log.tail().startswith("2")


def test_a_log_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    log = ServerLog(tmp_path / "file" / "logs", "it")
    log.write("a\nb")
    assert (log.tail(), log.last_line) == ("", "b")
    log.close()
