"""Tries out in bare systems what `make package` has built: `make package-test`.

Needs root, debootstrap, Xvfb, xdotool, xwininfo and ImageMagick. The network is used for making the bare systems,
once, and is off from then on. The log and the pictures go to ``build/package-test``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from artefacts.packages import system_packages
from package import Build, Place
from trials.desk import screen
from trials.scenarios import SCENARIOS, Files
from trials.start import compare_starts
from trials.system import SUITES, bare_system, make_base

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/package-test"
START = "start"
TOOLS = ("debootstrap", "unshare", "Xvfb", "xdotool", "xwininfo", "import", "dpkg-deb")


def main() -> int:
    """Make the bare systems, then try everything without a network; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"all, or some of {', '.join([START, *SCENARIOS])}")
    parser.add_argument("--suite", action="append", choices=SUITES, help="all, or one of them")
    parser.add_argument("--offline", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        print(f"This needs root, and {', '.join(missing or TOOLS)}.", file=sys.stderr)
        return 2
    suites = chosen.suite or list(SUITES)
    if not chosen.offline:
        for suite in suites:
            make_base(suite, system_packages(suite), base_of(suite))
        return _without_network()
    return try_all(suites, chosen.scenarios or [START, *SCENARIOS])


def base_of(suite: str) -> Path:
    """The archive of a bare system."""
    return WORK / f"{suite}.tar"


def try_all(suites: list[str], names: list[str]) -> int:
    """Try it in each system; what failed is told, and the rest is tried all the same."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Times are measured, and whatever else this machine does is not to count.
    os.nice(-15)
    place = Place(ROOT / "build/package", ROOT / "build/artefacts")
    files = Files(place.artefacts, Build(place).version, WORK / "pictures")
    failed = []
    with screen():
        if START in names and not _guarded(
            START, lambda: files.figures.update(compare_starts(place.program("full"), ROOT))
        ):
            failed.append(START)
        for suite in suites:
            failed += [f"{suite} {name}" for name in names if name in SCENARIOS and not _try(suite, name, files)]
    for what, value in files.figures.items():
        print(f"{value:>10}  {what}")
    print(f"failed: {', '.join(failed)}" if failed else "everything passed", flush=True)
    return 1 if failed else 0


def _try(suite: str, name: str, files: Files) -> bool:
    def work() -> None:
        with bare_system(base_of(suite), suite) as system:
            SCENARIOS[name](system, files)

    return _guarded(f"{suite} {name}", work)


def _guarded(title: str, work: Callable[[], None]) -> bool:
    """Do it, and tell how it went."""
    start = time.monotonic()
    try:
        work()
    except Exception:  # noqa: BLE001  (whatever goes wrong in one trial, the others are made)
        traceback.print_exc()
        print(f"== {title}: FAILED after {time.monotonic() - start:.0f} s", flush=True)
        return False
    print(f"== {title}: passed, {time.monotonic() - start:.0f} s", flush=True)
    return True


def _without_network() -> int:
    """This program again, in a space with processes, mounts and a network of its own that leads nowhere."""
    space = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return subprocess.run([*space, sys.executable, __file__, "--offline", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
