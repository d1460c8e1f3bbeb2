"""Trying again after what may pass: with growing waits, and not for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.faults import Interrupted
from tether_desktop.model.fetch.patience import Patience

_R = TypeVar("_R")


async def persist(
    attempt: Callable[[], Awaitable[_R]], patience: Patience, host: str, size: Callable[[], int] = lambda: 0
) -> _R:
    """Run attempts until one ends without being interrupted.

    Args:
        attempt: one attempt.
        patience: how many, and how long to wait before each.
        host: who is asked, for the message.
        size: bytes that all attempts have brought together; enough of them start the count anew.

    Raises:
        InstallError: all attempts were interrupted.
    """
    retry, most = 0, size()
    while True:
        try:
            return await attempt()
        except Interrupted as fault:
            if size() >= most + patience.worthwhile_bytes:
                retry, most = 0, size()
            if retry == patience.retries:
                raise faults.gave_up(host, fault) from fault
            await patience.sleep(min(max(fault.wait, patience.wait_before(retry)), patience.longest_wait))
            retry += 1
