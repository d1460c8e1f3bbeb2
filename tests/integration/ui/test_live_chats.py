"""What other clients do on the local port, seen in the open window as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.gui import elsewhere, in_gui_loop, open_window, until
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.ui.chat.conversation import Conversation
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.main_window import WAITING_TITLE, MainWindow
from tether_desktop.ui.sessions.session_item_model import BUSY_ROLE, HEADING_ROLE
from tether_desktop.ui.tools.tool_card import ToolCard

STORY = (
    "Der Wind drehte – **plötzlich** – nach Süden.\n\n```python\nprint('Möwe 🐦')\n```\n\nEnde. " + "und weiter " * 60
)


@pytest.fixture(autouse=True)
def serving(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that answers by what is asked, and a window that opens its port at any number that is free."""
    monkeypatch.setenv("TETHER_SERVE", "on")
    monkeypatch.setenv("MLC_PORT", "0")
    monkeypatch.setenv("TETHER_TOOL_USE", "on")
    call = json.dumps({"name": "search_conversations", "arguments": {"query": "whales"}})
    write_scripted_model(
        models,
        "Scripted-q4_1-MLC",
        context_window=8192,
        tokens_per_second=400,
        replies=[
            {"match": "wait", "steps": ["Half", " an", " answer", {"wait": True}]},
            {"match": "story", "steps": [{"text": STORY}]},
            {"match": "find", "steps": [{"text": f"<<function_call>> {call}"}]},
            {"after_tool": True, "match": ".", "steps": [{"text": "So be it."}]},
            {"match": ".", "steps": [{"text": "An answer to: anything."}]},
        ],
    )


class Program:
    """Another client: speaks HTTP to the window's port, each request in a thread of its own."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        return (await elsewhere(lambda: self._ask(method, path, body))).json()

    def generate(self, **body: Any) -> asyncio.Task[list[dict[str, Any]]]:
        """Begin to ask; the lines that came, once all are there."""
        work = elsewhere(lambda: self._lines(body))
        return asyncio.get_running_loop().create_task(work)

    async def create(self, title: str = "") -> str:
        made = await self.ask("POST", "/sessions", title=title)
        return str(made["session_id"])

    async def messages(self, session_id: str) -> list[dict[str, Any]]:
        found = await self.ask("GET", f"/sessions/{session_id}/messages")
        return found if isinstance(found, list) else found["messages"]

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> httpx2.Response:
        answer = self._client.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer

    def _lines(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        with self._client.stream("POST", "/generations", json={"stream": True, **body}) as answer:
            answer.raise_for_status()
            return [json.loads(line) for line in answer.iter_lines() if line]


@asynccontextmanager
async def window_and_program() -> AsyncIterator[tuple[MainWindow, Program]]:
    """The window with its port open, and a client of it."""
    async with open_window() as window:
        await until(lambda: window.port.state.phase == "open")

        async def own_token(tether: Any) -> str:
            return await asyncio.to_thread(tether.port.tokens.own)

        program = Program(window.port.state.url, await window._worker.submit(own_token))
        try:
            yield window, program
        finally:
            program.close()


def titles(window: MainWindow) -> list[str]:
    model = window.sidebar.model
    return [model.index(row).data() for row in range(model.rowCount()) if not model.index(row).data(HEADING_ROLE)]


def is_busy(window: MainWindow, session_id: str) -> bool:
    return bool(window.sidebar.model.index_of(session_id).data(BUSY_ROLE))


async def shown(window: MainWindow, session_id: str) -> Conversation:
    """Open a chat of the list as a person does."""
    await until(lambda: window.sidebar.model.index_of(session_id).isValid())
    window.sidebar.view.setCurrentIndex(window.sidebar.model.index_of(session_id))
    await until(lambda: window.conversation.session_id == session_id)
    return window.conversation


def texts(conversation: Conversation) -> list[str]:
    return [view.text for view in conversation.views]


class Growth:
    """Notes that the text of the newest reply only ever grew."""

    def __init__(self, conversation: Conversation) -> None:
        self.states: list[str] = []
        self._conversation = conversation
        for signal in (conversation.reset, conversation.changed, conversation.text_added):
            signal.connect(self.note)

    def note(self, *_: object) -> None:
        views = self._conversation.views
        self.states.append(views[-1].text if views and views[-1].role == "assistant" else "")

    @property
    def only_grew(self) -> bool:
        return all(after.startswith(before) for before, after in zip(self.states, self.states[1:], strict=False))


@in_gui_loop
async def test_a_chat_that_another_client_writes_streams_into_the_open_conversation_character_by_character() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("From a script")
        conversation = await shown(window, session_id)
        growth = Growth(conversation)
        QTest.keyClicks(window.pane.composer.edit, "my own draft")
        lines = await program.generate(session_id=session_id, prompt="Tell me a story.")
        await until(lambda: conversation.views and not conversation.busy)
        stored = [message["content"] for message in await program.messages(session_id)]
        assert texts(conversation) == stored == ["Tell me a story.", STORY]
        assert "".join(line["content"] for line in lines if line["type"] == "token") == STORY
        assert len(set(growth.states)) > 5, "it was shown while it came"
        assert growth.only_grew
        assert conversation.views[-1].state == "done"
        assert window.pane.composer.text() == "my own draft"
        assert not is_busy(window, session_id)


@in_gui_loop
async def test_a_session_of_another_client_is_listed_at_once_with_its_title_when_it_comes_and_a_mark() -> None:
    async with window_and_program() as (window, program):
        asking = program.generate(prompt="Please wait.", keep_running=True)
        await until(lambda: titles(window) == ["Please wait"])
        session_id = window.sidebar.model.sessions()[0].id
        await until(lambda: is_busy(window, session_id))
        await program.ask("POST", "/generations/abort", session_id=session_id)
        assert (await asking)[-1]["type"] == "cancelled"
        await until(lambda: not is_busy(window, session_id))
        assert window.conversation.session_id == "", "what is shown stays"


@in_gui_loop
async def test_a_chat_that_is_opened_in_the_middle_shows_each_word_once_and_the_stop_button_stops_it() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create()
        asking = program.generate(session_id=session_id, prompt="Please wait.")
        await until(lambda: is_busy(window, session_id))
        conversation = await shown(window, session_id)
        growth = Growth(conversation)
        await until(lambda: texts(conversation) == ["Please wait.", "Half an answer"])
        assert conversation.busy
        QTest.mouseClick(window.pane.composer.button, Qt.MouseButton.LeftButton)
        assert (await asking)[-1]["type"] == "cancelled"
        await until(lambda: not conversation.busy)
        assert conversation.views[-1].state == "cancelled"
        assert [each["content"] for each in await program.messages(session_id)] == texts(conversation)
        assert growth.only_grew


@in_gui_loop
async def test_a_chat_that_is_opened_while_it_is_written_ends_as_it_is_stored() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create()
        asking = program.generate(session_id=session_id, prompt="Tell me a story.")
        await until(lambda: is_busy(window, session_id))
        conversation = await shown(window, session_id)
        growth = Growth(conversation)
        await asking
        await until(lambda: not conversation.busy)
        assert texts(conversation) == ["Tell me a story.", STORY]
        assert growth.only_grew


@in_gui_loop
async def test_questions_of_both_follow_each_other_in_one_chat() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create()
        conversation = await shown(window, session_id)
        await program.generate(session_id=session_id, prompt="One?")
        await until(lambda: len(conversation.views) == 2 and not conversation.busy)
        QTest.keyClicks(window.pane.composer.edit, "Two?")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: len(conversation.views) == 4 and not conversation.busy)
        await program.generate(session_id=session_id, prompt="Three?")
        await until(lambda: len(conversation.views) == 6 and not conversation.busy)
        stored = await program.messages(session_id)
        assert texts(conversation) == [each["content"] for each in stored]
        assert [conversation.message_id(view.id) for view in conversation.views] == [each["id"] for each in stored]


@in_gui_loop
async def test_a_question_asked_again_or_changed_elsewhere_takes_the_place_of_the_one_that_is_shown() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create()
        conversation = await shown(window, session_id)
        first = await program.ask("POST", "/generations", session_id=session_id, prompt="One?")
        await until(lambda: len(conversation.views) == 2 and not conversation.busy)
        await program.ask("POST", "/generations", session_id=session_id, regenerate=first["reply_id"])
        await until(lambda: len(conversation.views) == 2 and conversation.views[-1].version == 2)
        await program.ask("POST", "/generations", session_id=session_id, replace=first["question_id"], prompt="Two?")
        await until(lambda: texts(conversation)[:1] == ["Two?"] and not conversation.busy)
        assert [(view.version, view.versions) for view in conversation.views] == [(2, 2), (1, 1)]


@in_gui_loop
async def test_another_branch_that_is_chosen_elsewhere_is_shown_and_the_draft_stays() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create()
        conversation = await shown(window, session_id)
        first = await program.ask("POST", "/generations", session_id=session_id, prompt="One?")
        await program.ask("POST", "/generations", session_id=session_id, regenerate=first["reply_id"])
        await until(lambda: conversation.views and conversation.views[-1].version == 2 and not conversation.busy)
        QTest.keyClicks(window.pane.composer.edit, "my own draft")
        await program.ask("POST", f"/sessions/{session_id}/messages/{first['reply_id']}/select")
        await until(lambda: conversation.views[-1].version == 1)
        assert conversation.views[-1].versions == 2
        assert window.pane.composer.text() == "my own draft"


@in_gui_loop
async def test_what_is_renamed_pinned_deleted_and_brought_back_elsewhere_is_so_in_the_list() -> None:
    async with window_and_program() as (window, program):
        first, second = await program.create("First"), await program.create("Second")
        await until(lambda: titles(window) == ["Second", "First"])
        await program.ask("PATCH", f"/sessions/{first}", title="Renamed")
        await until(lambda: titles(window) == ["Second", "Renamed"])
        await program.ask("PATCH", f"/sessions/{first}", pinned=True)
        await until(lambda: titles(window) == ["Renamed", "Second"])
        await program.ask("DELETE", f"/sessions/{second}")
        await until(lambda: titles(window) == ["Renamed"])
        await program.ask("POST", f"/sessions/{second}/restore")
        await until(lambda: titles(window) == ["Renamed", "Second"])
        assert not window.pane.undo_bar.isVisible(), "nothing that was shown is gone"


@pytest.mark.parametrize("how", ["", "?erase=true"], ids=["deleted", "erased"])
@in_gui_loop
async def test_a_chat_that_is_shown_and_deleted_elsewhere_leaves_with_a_notice_and_the_draft_stays(how: str) -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("Gone soon")
        await shown(window, session_id)
        await program.generate(session_id=session_id, prompt="One?")
        QTest.keyClicks(window.pane.composer.edit, "my own draft")
        await program.ask("DELETE", f"/sessions/{session_id}{how}")
        await until(lambda: window.conversation.session_id == "")
        assert titles(window) == []
        assert window.conversation.views == []
        assert window.pane.undo_bar.isVisible()
        assert window.pane.undo_bar.accessibleName() == "“Gone soon” was deleted by another program."
        assert not window.pane.undo_bar.undo_button.isVisible()
        assert window.pane.composer.text() == "my own draft"
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        assert not window.pane.undo_bar.isVisible()
        await until(lambda: len(window.conversation.views) == 2 and not window.conversation.busy)
        assert titles(window) == ["My own draft"]


@in_gui_loop
async def test_the_notice_of_a_deleted_chat_goes_when_another_one_is_opened() -> None:
    async with window_and_program() as (window, program):
        first, second = await program.create("Gone soon"), await program.create("Here")
        await shown(window, first)
        await program.ask("DELETE", f"/sessions/{first}")
        await until(window.pane.undo_bar.isVisible)
        await shown(window, second)
        assert not window.pane.undo_bar.isVisible()


@in_gui_loop
async def test_a_chat_that_is_deleted_elsewhere_while_it_answers_is_over() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("Gone soon")
        conversation = await shown(window, session_id)
        QTest.keyClicks(window.pane.composer.edit, "Please wait.")
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await until(lambda: texts(conversation)[-1:] == ["Half an answer"])
        await program.ask("DELETE", f"/sessions/{session_id}")
        await until(lambda: window.conversation.session_id == "")
        assert not window.conversation.busy
        assert window.pane.composer.text() == ""


@in_gui_loop
async def test_a_question_to_a_chat_that_was_just_deleted_elsewhere_is_not_lost() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("Gone soon")
        await shown(window, session_id)
        QTest.keyClicks(window.pane.composer.edit, "Are you there?")

        async def erase(tether: Any) -> None:
            await tether.sessions.erase(session_id)

        erasing = asyncio.ensure_future(window._worker.submit(erase))
        QTest.keyClick(window.pane.composer.edit, Qt.Key.Key_Return)
        await erasing
        await until(lambda: window.conversation.session_id == "" and not window.tasks._running)
        assert window.pane.composer.text() == "Are you there?"
        assert window.pane.banner.isVisible()


def question_of(window: MainWindow) -> ToolCard | None:
    found = [widget for widget in window.findChildren(ReplyMessage) if not widget.isHidden()]
    return next((card for widget in found for card in widget.cards if card.accepts_answers), None)


@in_gui_loop
async def test_a_call_that_waits_in_a_turn_of_another_client_is_marked_and_can_be_answered_in_the_window() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("Asks")
        asking = program.generate(session_id=session_id, prompt="Please find it.", attended=True)
        await until(lambda: window.sidebar.model.waiting == {session_id})
        assert window.windowTitle() == WAITING_TITLE
        conversation = await shown(window, session_id)
        await until(lambda: question_of(window) is not None)
        card = question_of(window)
        assert card is not None
        QTest.mouseClick(card.answer_buttons["once"], Qt.MouseButton.LeftButton)
        lines = await asking
        await until(lambda: not conversation.busy)
        assert lines[-1]["type"] == "done"
        assert [call.state for call in conversation.views[-1].calls] == ["done"]
        assert not window.sidebar.model.waiting


@in_gui_loop
async def test_a_call_that_is_answered_elsewhere_waits_no_longer_in_the_window() -> None:
    async with window_and_program() as (window, program):
        session_id = await program.create("Asks")
        conversation = await shown(window, session_id)
        asking = program.generate(session_id=session_id, prompt="Please find it.", attended=True)
        await until(lambda: conversation.waiting)
        (waiting,) = await program.ask("GET", f"/sessions/{session_id}/approvals")
        answer = {"call_id": waiting["call_id"], "answer": "deny"}
        await program.ask("POST", f"/sessions/{session_id}/approvals", **answer)
        await asking
        await until(lambda: not conversation.busy)
        assert [call.state for call in conversation.views[-1].calls] == ["declined"]
        assert not window.sidebar.model.waiting


@in_gui_loop
async def test_the_turns_of_many_sessions_at_once_are_all_listed_and_none_stays_marked() -> None:
    async with window_and_program() as (window, program):
        await asyncio.gather(*(program.generate(prompt=f"Question {number}?") for number in range(8)))
        await until(lambda: len(titles(window)) == 8)
        await until(lambda: not any(is_busy(window, each.id) for each in window.sidebar.model.sessions()))
        assert sorted(titles(window)) == sorted(f"Question {number}" for number in range(8))
