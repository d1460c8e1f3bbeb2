"""``python -m tests.screenshots [NAME…]`` writes build/screenshots/THEME-SCALE/NAME.png; names choose scenes.

``TETHER_LANGUAGE=de`` draws them in another language, into build/screenshots/THEME-SCALE-de.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "build" / "screenshots"
SCREEN = Path(__file__).with_name("screen.json")
"""A screen with room for the window at 150 %."""

SCALES = {"100": "1", "150": "1.5"}


def main(names: list[str]) -> int:
    """Draw all scenes; every theme and scale in a process of its own, since Qt takes the scale at its start."""
    status, language = 0, os.environ.get("TETHER_LANGUAGE", "en")
    for theme in ("light", "dark"):
        for title, scale in SCALES.items():
            folder = TARGET / f"{theme}-{title}-{language}".removesuffix("-en")
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
                own = {"QT_QPA_PLATFORM": f"offscreen:configfile={SCREEN}", "QT_SCALE_FACTOR": scale}
                own |= {"TETHER_THEME": theme, "TETHER_LANGUAGE": language}
                own |= {
                    "TETHER_DATA_DIR": f"{data}/data",
                    "MLC_DIST_PATH": f"{data}/models",
                    "TETHER_LANGUAGE": language,
                }
                command = [sys.executable, "-m", "tests.screenshots.draw", str(folder), *names]
                status |= subprocess.run(command, env={**os.environ, **own}, check=False).returncode
    sys.stdout.write(f"{len(list(TARGET.rglob('*.png')))} pictures in {TARGET}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
