"""What goes wrong while a question is asked and answered: the window says so, keeps what it has, and goes on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from sqlalchemy import event

from tests.helpers.clock import set_clock
from tests.helpers.gui import in_gui_loop, open_window, until
from tests.helpers.scripted_models import write_scripted_model
from tests.integration.ui.test_conversations import answered, ask, titles
from tether_desktop.app import Tether
from tether_desktop.ui.main_window import MainWindow
from tether_desktop.ui.markdown.markdown_body import MarkdownBody

NOON = datetime.now(UTC).replace(hour=12, minute=0)
GONE = "Its files are gone"


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_model_whose_folder_goes_is_told_of_and_takes_no_question_with_it(scripted: Path, models: Path) -> None:
    away = models.parent / "drive"
    async with open_window() as window:
        conversation = await answered(window, "Name three colours.")
        shutil.move(scripted, away)
        await until(lambda: GONE in window.pane.composer.reason)
        assert "Scripted cannot answer any more" in window.pane.composer.reason
        ask(window, "And three more colours?")
        assert window.pane.composer.text() == "And three more colours?"
        assert [view.text for view in conversation.views] == ["Name three colours.", "Red, green and blue."]
        shutil.move(away, scripted)
        await until(lambda: window.pane.composer.reason == "")
        assert (await answered(window, "")).views[-1].text == "Red, green and blue."


@in_gui_loop
async def test_where_another_model_takes_over_it_is_said_which_one_and_why(models: Path) -> None:
    first = write_scripted_model(models, "First", replies=["I am the first."])
    write_scripted_model(models, "Second", replies=["I am the second."])
    async with open_window() as window:
        banner = window.pane.banner
        window.models.prefer("First")
        await answered(window, "Who are you?")
        away = models.parent / "drive"
        shutil.move(first, away)
        await until(banner.isVisible)
        assert "First cannot answer any more" in banner.label.text()
        assert GONE in banner.label.text()
        assert "Second answers from now on." in banner.label.text()
        shutil.move(away, first)
        await until(banner.isHidden)
        assert window.models.name == "First"
        shutil.move(first, away)
        await until(banner.isVisible)
        assert (await answered(window, "And you?")).views[-1].text == "I am the second."


class SmallDisk:
    """The disk of the real database, which can be full: SQLite lets the file grow no further then."""

    def __init__(self) -> None:
        self._pages = 1_000_000

    async def install(self, window: MainWindow) -> None:
        """Let all connections that are used from now on know of it."""

        async def listen(tether: Tether) -> None:
            event.listen(tether.store._database._engine, "checkout", self._on_checkout)

        await window._worker.submit(listen)

    def be_full(self, full: bool) -> None:
        """There is no room any more, or there is again."""
        self._pages = 1 if full else 1_000_000

    def _on_checkout(self, connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}")


async def stored(window: MainWindow) -> list[str]:
    """What the store has of the chat that is shown."""
    session_id = window.conversation.session_id
    records = await window._worker.submit(lambda tether: tether.sessions.history(session_id))
    return [record.message.text for record in records]


@in_gui_loop
async def test_a_disk_that_is_full_in_mid_reply_costs_neither_what_was_stored_nor_what_is_shown(models: Path) -> None:
    long = f" {'o' * 500}ng" * 400
    replies: list[dict[str, Any]] = [
        {"match": "long", "steps": ["Once", {"delay": 0.7}, {"text": long}]},
        {"match": ".", "steps": ["Fine."]},
    ]
    write_scripted_model(models, replies=replies)
    disk = SmallDisk()
    async with open_window() as window:
        await disk.install(window)
        await answered(window, "Is there room?")
        conversation = ask(window, "Tell me a long story.")
        await until(lambda: conversation.views[-1].text == "Once")
        disk.be_full(True)
        await until(lambda: not conversation.busy)
        reply = conversation.views[-1]
        assert (reply.state, len(reply.text)) == ("error", len("Once" + long))
        assert "no room left" in reply.error_message
        assert "Free some space" in reply.error_hint
        kept = await stored(window)
        assert kept[:3] == ["Is there room?", "Fine.", "Tell me a long story."]
        assert "Once".startswith(kept[3])
        disk.be_full(False)
        assert (await answered(window, "Is there room again?")).views[-1].text == "Fine."
        assert (await stored(window))[-2:] == ["Is there room again?", "Fine."]


@pytest.mark.usefixtures("scripted")
@in_gui_loop
async def test_a_clock_that_is_set_back_reorders_neither_chats_nor_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_window() as window:
        set_clock(monkeypatch, NOON)
        first = (await answered(window, "First colours?")).session_id
        set_clock(monkeypatch, NOON - timedelta(hours=2))
        await answered(window, "More colours?")
        window.desk.new()
        await answered(window, "Second colours?")
        assert listed(window) == ["Second colours", "First colours"]
        set_clock(monkeypatch, NOON - timedelta(hours=3))
        window.desk.open(first)
        await until(lambda: window.conversation.session_id == first)
        await answered(window, "Yet more colours?")
        assert listed(window) == ["First colours", "Second colours"]
    set_clock(monkeypatch, NOON - timedelta(hours=4))
    async with open_window() as window:
        await until(lambda: len(window.conversation.views) == 6)
        asked = [view.text for view in window.conversation.views if view.role == "user"]
        assert asked == ["First colours?", "More colours?", "Yet more colours?"]
        window.desk.new()
        await answered(window, "Third colours?")
        assert listed(window) == ["Third colours", "First colours", "Second colours"]


def listed(window: MainWindow) -> list[str]:
    return [title for title in titles(window) if "colours" in title]


HOSTILE = (
    "<script>alert(1)</script><img src='https://example.org/spy.png' onerror='alert(2)'>\n\n"
    '<b>bold</b> <a href="javascript:alert(3)">x</a> [press](javascript:alert(4)) ![spy](https://example.org/spy.png)\n\n'
    "invoice\u202egnp.exe and \u2066hidden\u2069 words\n\n"
    "```html\n<iframe src='file:///etc/passwd'></iframe>\n```\n"
)


@in_gui_loop
async def test_markup_and_turned_text_of_a_model_are_shown_as_what_they_are(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    write_scripted_model(models, replies=[{"steps": [{"text": HOSTILE}]}])
    async with open_window() as window:
        await answered(window, "Show me.")
        await until(lambda: "iframe" in shown(window))
        text = shown(window)
        for tag in ("<script>alert(1)</script>", "onerror='alert(2)'", "<b>bold</b>", "<iframe src="):
            assert tag in text
        assert "invoiceU+202Egnp.exe" in text
        assert "U+2066hiddenU+2069" in text
        assert not set(text) & set("\u202e\u2066\u2069")
        assert opened == []


def shown(window: MainWindow) -> str:
    """What stands in the newest message, as a person sees it."""
    widget = window.pane.view._live[window.conversation.views[-1].id]
    return "\n".join(body.document().toPlainText() for body in widget.findChildren(MarkdownBody))
