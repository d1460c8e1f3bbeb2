"""The requests of the local port as they are shown: the newest, all of each within reach, at any width."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tether_desktop.protocol.api.port.recent_requests import KEPT, RecentRequest
from tether_desktop.ui.port.request_log import RequestLog

LONG = "/sessions/0123456789abcdef0123456789abcdef/messages/fedcba9876543210fedcba9876543210/variants"


def request(number: int, path: str = "/v1/models") -> RecentRequest:
    at = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    return RecentRequest(number, at, "OpenAI/Python 2.1", "own", "GET", path, 200, 0.012)


@pytest.fixture
def log(qtbot: QtBot) -> RequestLog:
    made = RequestLog()
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_newest_ones_stay_when_more_come_than_are_kept(log: RequestLog) -> None:
    for first in range(1, KEPT + 150, 30):
        log.take([request(number) for number in range(first, first + 30)])
    numbers = [each.number for each in log.model.rows]
    assert len(numbers) == KEPT
    assert numbers == list(range(numbers[0], numbers[0] - KEPT, -1))
    log.take([request(numbers[0])])
    assert [each.number for each in log.model.rows] == numbers, "what is there already does not come twice"


def test_more_at_once_than_are_kept_fill_it_with_the_last_ones(log: RequestLog) -> None:
    log.pause_button.click()
    log.take([request(number) for number in range(1, KEPT + 51)])
    log.pause_button.click()
    assert [each.number for each in log.model.rows] == list(range(KEPT + 50, 50, -1))


def test_every_cell_tells_the_whole_request(log: RequestLog) -> None:
    log.take([request(1, LONG)])
    for column in range(log.model.columnCount()):
        told = log.model.index(0, column).data(Qt.ItemDataRole.ToolTipRole)
        assert LONG in told
        assert "OpenAI/Python 2.1" in told


@pytest.mark.parametrize("width", [300, 360, 560, 900])
def test_all_columns_fit_and_the_request_has_the_most_room(log: RequestLog, width: int) -> None:
    log.take([request(1, LONG)])
    log.resize(width, 300)
    widths = [log.table.columnWidth(column) for column in range(log.model.columnCount())]
    assert sum(widths) <= log.table.viewport().width()
    assert widths[2] == max(widths)
    assert log.table.isColumnHidden(1) == (width < 560), "the program is in the tooltip"
