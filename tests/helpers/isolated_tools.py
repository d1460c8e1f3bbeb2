"""Functions of a module, which another process finds by their names."""

from __future__ import annotations

import datetime
import os

from tether_desktop.tools.declaration import OnToolProgress, tool


@tool(isolated=True)
def where_it_runs(day: datetime.date, progress: OnToolProgress) -> list[str]:
    """Tell in which process this runs.

    Args:
        day: of the year.
    """
    progress("looking", 0.5)
    return [str(os.getpid()), day.strftime("%A")]


def plain(number: int) -> int:
    """Give the number of the process.

    Args:
        number: is added.
    """
    return os.getpid() + number
