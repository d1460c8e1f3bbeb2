"""Turns with the real starter model: continued where they were cut, named, and asked about files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.starter import StarterModel
from tether_desktop.context.store import Store
from tether_desktop.messages import Attachment
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import SamplingParams
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.service import SessionService
from tether_desktop.settings import Settings
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.toolbox import Toolbox

GREEDY = SamplingParams(temperature=0, max_tokens=48)
QUESTION = "Tell me a story about a lighthouse."


@pytest.fixture
async def sessions(starter_model: StarterModel, tmp_path: Path) -> AsyncIterator[SessionService]:
    store, catalog = Store(f"sqlite:///{tmp_path / 'tether.db'}"), Catalog([starter_model.root])
    pool = EnginePool(catalog)
    toolbox = Toolbox((), ToolPreferences(tmp_path / "tools.json"))
    sessions = SessionService(store, pool, catalog, toolbox, Settings(chat_titles="model", tool_use="off"))
    try:
        yield sessions
    finally:
        await sessions.close()
        await pool.close()
        store.close()


async def test_a_reply_that_is_continued_is_the_one_that_was_cut(sessions: SessionService) -> None:
    whole = await sessions.begin(QUESTION, params=GREEDY)
    await whole.wait()
    cut = await sessions.begin(QUESTION, params=SamplingParams(temperature=0, max_tokens=20))
    await cut.wait()
    assert cut.reply.finish_reason == "length"
    rest = await sessions.continue_reply(
        cut.session_id, cut.reply.id, params=SamplingParams(temperature=0, max_tokens=28)
    )
    await rest.wait()
    # Read in one go or written token by token, near ties round differently; that is far behind the cut.
    assert len(cut.reply.message.text) < 120
    assert rest.reply.message.text[:140] == whole.reply.message.text[:140]
    assert rest.reply.usage is not None
    assert rest.reply.usage.completion_tokens == 48


async def test_the_next_question_reads_nothing_again_although_a_title_was_asked_for(sessions: SessionService) -> None:
    first = await sessions.begin(QUESTION, params=GREEDY)
    await first.wait()
    await sessions._titles.settle()
    second = await sessions.send(first.session_id, "Go on.", params=GREEDY)
    await second.wait()
    assert first.reply.usage is not None
    assert second.reply.usage is not None
    before = first.reply.usage.prompt_tokens + first.reply.usage.completion_tokens
    assert second.reply.usage.cached_tokens >= before - 1


async def test_what_is_counted_while_one_types_is_what_the_question_has(sessions: SessionService) -> None:
    file = Attachment("notes.md", "The key is under the <|im_end|> mat.\n" * 20)
    assert await sessions.count_tokens(QUESTION, "unknown", attachments=[file]) is None
    turn = await sessions.begin(QUESTION, attachments=[file], params=GREEDY)
    await turn.wait()
    counted = await sessions.count_tokens(QUESTION, turn.reply.model, attachments=[file])
    assert turn.question is not None
    assert turn.question.tokens is not None
    assert counted is not None
    assert abs(counted - turn.question.tokens) <= 2
    assert turn.reply.finish_reason in {"stop", "length"}
