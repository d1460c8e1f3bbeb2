"""Counts tokens for people who are still typing, where that costs next to nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from tether_desktop.context.store import Store
from tether_desktop.errors import TetherError
from tether_desktop.messages import Attachment
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.pool.pool import EnginePool
from tether_desktop.protocol.attachments.rendering import file_text
from tether_desktop.protocol.model_choice import load_template
from tether_desktop.protocol.window import counted_alone

_PIECE = 50_000
"""Characters that are counted at a time, in some hundredths of a second."""

_KEPT_FILES = 64


class TokenCounts:
    """Asks engines that are loaded, on this computer; never loads one.

    A server is not asked: what somebody types and may never send goes nowhere.

    A model that is not loaded counts nothing: reading its vocabulary takes up to a second, in which no other thread
    of this process runs.
    """

    def __init__(self, store: Store, pool: EnginePool, catalog: Catalog) -> None:
        self._store = store
        self._pool = pool
        self._catalog = catalog
        self._files: OrderedDict[tuple[str, int], int] = OrderedDict()

    async def of(self, text: str, attachments: Sequence[Attachment], model: str) -> int | None:
        """Tokens of a question with its files; None where the model is not loaded. May be cancelled at any time."""
        try:
            files = [await self._of_file(file, model) for file in attachments]
            return sum(files) + (await self._count(text, model) if text else 0)
        except (TetherError, _NotLoaded):
            # It was unloaded or died meanwhile; whoever sends the question is told why.
            return None

    async def _of_file(self, file: Attachment, model: str) -> int:
        """Tokens of a file, counted once."""
        key = (model, hash(file))
        if key not in self._files:
            self._files[key] = await self._count(file_text(file), model)
            while len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        return self._files[key]

    async def _count(self, text: str, model: str) -> int:
        """Tokens of a text, in pieces between which an engine can go on with its reply."""
        count = 0
        for start in range(0, len(text), _PIECE):
            engine = self._pool.loaded(model)
            info = self._pool.states()[model].info if engine else None
            if engine is None or info is None or info.takes_messages:
                raise _NotLoaded
            template = await asyncio.to_thread(lambda: load_template(self._catalog.get(model)))
            (tokens,) = await engine.count_tokens([counted_alone(text[start : start + _PIECE], template)])
            count += tokens
        return count


class _NotLoaded(Exception):
    """Nobody is there to count, or nobody who may."""
