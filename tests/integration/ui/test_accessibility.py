"""Every page of the window by keyboard, for a screen reader, from right to left, and with large text."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from tests.helpers import controls
from tests.helpers.gui import in_gui_loop, open_window, until
from tests.screenshots.history import fill
from tests.screenshots.scenes import ALL, Scene
from tether_desktop.ui.look import theme

SETTLED_S = 0.05
EVERY_PAGE = pytest.mark.parametrize("scene", ALL, ids=[scene.name for scene in ALL])


@pytest.fixture(autouse=True)
def history(nothing_of_the_developers: Path, models: Path) -> None:
    """The conversations and the model that the pictures show."""
    fill(Path(os.environ["TETHER_DATA_DIR"]), models)


@pytest.fixture
def from_right_to_left(qapp: QApplication) -> Iterator[None]:
    """A window for people who read from right to left."""
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


@pytest.fixture
def large_text(look: theme.Appearance) -> None:
    look.resize(20, "comfortable")


@asynccontextmanager
async def shown(scene: Scene) -> AsyncIterator[QWidget]:
    """The widget that a scene is about, painted and with the keyboard in it."""
    async with open_window() as window:
        window.resize(*scene.size)
        page = await scene.set_up(window) or window
        page.activateWindow()
        await until(lambda: page.window().isActiveWindow())
        await asyncio.sleep(SETTLED_S)  # no processEvents in a coroutine: it would enter other ones
        yield page
        await scene.leave(window)


@EVERY_PAGE
@in_gui_loop
async def test_every_control_has_a_name(scene: Scene) -> None:
    async with shown(scene) as page:
        assert controls.controls(page)
        assert controls.nameless(page) == []


@EVERY_PAGE
@in_gui_loop
async def test_every_control_is_reached_by_tab_and_shows_it(scene: Scene) -> None:
    async with shown(scene) as page:
        assert controls.unreached(page) == []
        assert controls.unseen_focus(page) == []


@EVERY_PAGE
@pytest.mark.usefixtures("from_right_to_left")
@in_gui_loop
async def test_nothing_falls_out_of_the_window_from_right_to_left(scene: Scene) -> None:
    async with shown(scene) as page:
        assert controls.outside(page) == []


@EVERY_PAGE
@pytest.mark.usefixtures("large_text")
@in_gui_loop
async def test_large_text_has_room(scene: Scene) -> None:
    async with shown(scene) as page:
        assert controls.cut_texts(page) == []
        assert controls.outside(page) == []
