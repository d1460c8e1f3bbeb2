"""MCP servers that are pasted: as other programs write them down, and as people cut them out."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tether_desktop.errors import SettingsError
from tether_desktop.ui.tools.pasted_servers import pasted_servers
from tether_desktop.ui.tools.server_form import ServerForm

TIME = {"command": "uvx", "args": ["mcp-server-time"]}
ENTRY = '{"command": "uvx", "args": ["mcp-server-time"]}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"mcpServers": {{"time": {ENTRY}}}}}',
        f'{{"servers": {{"time": {ENTRY}}}, "inputs": []}}',
        f'{{"context_servers": {{"time": {ENTRY}}}}}',
        f'{{"time": {ENTRY}}}',
        f'"time": {ENTRY},',
        f'\n  "mcpServers": {{"time": {ENTRY}}}\n',
    ],
)
def test_all_ways_of_writing_them_down_are_read(text: str) -> None:
    assert pasted_servers(text) == {"time": TIME}


def test_several_are_read_at_once() -> None:
    found = pasted_servers(f'{{"mcpServers": {{"a": {ENTRY}, "b": {{"url": "https://example.org"}}}}}}')
    assert found == {"a": TIME, "b": {"url": "https://example.org"}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"mcpServers": {"time": {', "line 1"),
        ("uvx mcp-server-time", "line 1"),
        ("[" * 100_000, "recursion"),
        ("[]", "no list of servers"),
        ("null", "no list of servers"),
        ('{"mcpServers": {}}', "no list of servers"),
        ('{"mcpServers": ["time"]}', "no list of servers"),
        ('{"mcpServers": {"time": "uvx"}}', "“time” has neither"),
        ('{"mcpServers": {"time": {"args": []}}}', "“time” has neither"),
    ],
)
def test_what_cannot_be_read_is_told_beside_the_field_and_stays_there(qtbot: QtBot, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        pasted_servers(text)
    assert "mcpServers" in refused.value.hint
    form = ServerForm()
    qtbot.addWidget(form)
    form.show()
    form.pasted.setPlainText(text)
    with qtbot.assertNotEmitted(form.add_requested):
        form.add_button.click()
    assert told in form.problem.text()
    assert form.problem.isVisible()
    assert form.pasted.toPlainText() == text
