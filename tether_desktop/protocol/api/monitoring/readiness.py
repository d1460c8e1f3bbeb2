"""Whether questions can be answered: the database answers, and there is a model that can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tether_desktop.context.statistics import StoreStatistics
from tether_desktop.errors import TetherError
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.pool.slot import ModelState
from tether_desktop.protocol.api.core import Core
from tether_desktop.protocol.api.monitoring.probe import Probe

LIMIT_S = 2.0
"""How long the database and the model folders may take."""

_ASK_DOCTOR = "`tether doctor` on this computer says more."


@dataclass(frozen=True, slots=True)
class Part:
    """Something that has to work.

    Attributes:
        name: "store" or "models".
        code, message, remedy: what does not; empty where it works.
        detail: the same for those who may know of files and models.
    """

    name: str
    code: str = ""
    message: str = ""
    remedy: str = ""
    detail: str = ""

    @property
    def works(self) -> bool:
        """Whether it does."""
        return not self.code


@dataclass(frozen=True, slots=True)
class Condition:
    """What there is to say of the whole.

    Attributes:
        parts: the store first, since without it nothing works.
        statistics: of the store; None where it does not answer.
        store_seconds: how long it took to answer; None where it does not.
        usable: names of the models that could be loaded.
        states: what became of models that were used so far.
    """

    parts: tuple[Part, ...]
    statistics: StoreStatistics | None
    store_seconds: float | None
    usable: tuple[str, ...]
    states: Mapping[str, ModelState]

    @property
    def ready(self) -> bool:
        """Whether a question would be answered."""
        return all(part.works for part in self.parts)


class Readiness:
    """Looks at the core without waiting for it; for the core's loop."""

    def __init__(self, core: Core, *, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; every part may take ``limit_s`` seconds to answer, and ``clock`` tells them."""
        self._clock = clock
        self._pool = core.pool
        self._store = Probe(core.store.statistics, limit_s)
        self._models = Probe(core.catalog.list, limit_s)

    async def look(self) -> Condition:
        """How it is just now."""
        (store, statistics, seconds), models = await asyncio.gather(self._look_at_store(), self._list_models())
        states = self._pool.states()
        usable = tuple(entry.name for entry in models or () if entry.usable)
        return Condition((store, _models_part(models, usable, states)), statistics, seconds, usable, states)

    async def _look_at_store(self) -> tuple[Part, StoreStatistics | None, float | None]:
        began = self._clock()
        try:
            statistics = await self._store.answer()
        except TimeoutError:
            return _store_part("timeout", "It did not answer in time.", _ASK_DOCTOR), None, None
        except TetherError as error:
            return _store_part(error.code, error.message, error.hint), None, None
        return Part("store"), statistics, self._clock() - began

    async def _list_models(self) -> Sequence[ModelEntry] | None:
        try:
            return await self._models.answer()
        except TimeoutError:
            return None


def _store_part(code: str, detail: str, remedy: str) -> Part:
    return Part("store", code, "The conversations cannot be read.", remedy, detail)


def _models_part(models: Sequence[ModelEntry] | None, usable: Sequence[str], states: Mapping[str, ModelState]) -> Part:
    if models is None:
        return Part("models", "timeout", "The model folders cannot be read in time.", _ASK_DOCTOR)
    if not usable:
        remedy = "Add one, for instance with `tether models add starter`; `tether models list` says what is missing."
        return Part("models", "model_not_found", "There is no model that can be used.", remedy)
    failures = [state.error for name in usable if (state := states.get(name)) and state.state == "failed"]
    error = failures[0] if len(failures) == len(usable) else None
    if error is None:
        return Part("models")
    # The next question tries again, so this may be over without anybody's help.
    return Part("models", error.code, "No model can be loaded.", error.hint or _ASK_DOCTOR, error.message)
