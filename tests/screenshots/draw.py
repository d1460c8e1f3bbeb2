"""Draws the scenes in one theme at one scale: ``python -m tests.screenshots.draw FOLDER [NAME…]``."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path

from PySide6.QtWidgets import QApplication

from tests.helpers.gui import open_window
from tests.screenshots import scenes
from tests.screenshots.history import fill
from tether_desktop.ui import translation
from tether_desktop.ui.look import theme


async def draw(folder: Path, wanted: set[str]) -> int:
    """Draw each scene in a fresh window; the exit code, 1 when one failed."""
    failed = 0
    for scene in scenes.ALL:
        if wanted and scene.name not in wanted:
            continue
        try:
            async with open_window() as window:
                window.resize(*scene.size)
                shown = await scene.set_up(window)
                for _ in range(30):
                    await asyncio.sleep(0.01)
                (shown or window).grab().save(str(folder / f"{scene.name}.png"))
                await scene.leave(window)
        except Exception:  # noqa: BLE001 — one scene that fails must not hide the others
            traceback.print_exc()
            sys.stderr.write(f"the scene {scene.name} failed\n")
            failed = 1
    return failed


def main() -> int:
    """Draw all scenes, or those that are named."""
    from qasync import QEventLoop

    app = QApplication([])
    app.setApplicationName("Tether")
    app.setQuitOnLastWindowClosed(False)
    translation.install(os.environ["TETHER_LANGUAGE"])
    theme.install(app, "dark" if os.environ["TETHER_THEME"] == "dark" else "light")
    fill(Path(os.environ["TETHER_DATA_DIR"]), Path(os.environ["MLC_DIST_PATH"]))
    with QEventLoop(app) as loop:
        return int(loop.run_until_complete(draw(Path(sys.argv[1]), set(sys.argv[2:]))))


if __name__ == "__main__":
    sys.exit(main())
