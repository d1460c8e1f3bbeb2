"""Which model answers when nobody has chosen one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from PySide6.QtCore import QObject, Signal

from tether_desktop.ui.models.model_choice import ModelChoice
from tether_desktop.ui.models.model_status import ModelStatus


class Worker(QObject):
    """As little of the worker as the choice listens to."""

    models_changed = Signal(object)


def test_what_nobody_has_chosen_is_answered_on_this_computer_as_long_as_it_can_be(qtbot: Any) -> None:
    worker = Worker()
    choice = ModelChoice(cast("Any", worker), cast("Any", SimpleNamespace()))
    elsewhere = ModelStatus("gpu/a", "a", server="gpu")
    worker.models_changed.emit(
        [ModelStatus("broken", "broken", usable=False), elsewhere, ModelStatus("zebra", "zebra")]
    )
    assert [model.name for model in choice.models] == ["zebra", "gpu/a", "broken"]
    assert choice.name == "zebra"
    choice.prefer("gpu/a")
    assert choice.name == "gpu/a"
    worker.models_changed.emit([elsewhere])
    assert choice.name == "gpu/a"
