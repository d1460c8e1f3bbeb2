"""Brings the messages of a file into an order that the store keeps: parents first, times that grow strictly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tether_desktop.context.files.import_faults import Unfit
from tether_desktop.context.records import MessageRecord

_TICK = timedelta(microseconds=1)


def in_order(messages: Sequence[MessageRecord]) -> tuple[MessageRecord, ...]:
    """The messages by their times; one that is no later than its parent, or than the one before it, is made so.

    Messages that have an order already stay as they are; of those with the same time the first of the file is first.

    Raises:
        Unfit: an id is there twice, a parent is not there, or messages follow each other in a circle.
    """
    places = {message.id: place for place, message in enumerate(messages)}
    if len(places) < len(messages):
        raise Unfit("Two of its messages have the same id.")
    if not {message.parent_id for message in messages} <= {None, *places}:
        raise Unfit("A message follows one that is not there.")
    times = _times_after_parents(messages)
    if len(times) < len(messages):
        raise Unfit("Its messages follow each other in a circle.")
    ordered: list[MessageRecord] = []
    for message in sorted(messages, key=lambda message: (times[message.id], places[message.id])):
        earliest = ordered[-1].created_at + _TICK if ordered else times[message.id]
        time = max(times[message.id], earliest)
        ordered.append(message if time == message.created_at else replace(message, created_at=time))
    return tuple(ordered)


def _times_after_parents(messages: Sequence[MessageRecord]) -> dict[str, datetime]:
    """A time for each message that descends from a first one, later than its parent's."""
    below = defaultdict(list)
    for message in messages:
        below[message.parent_id].append(message)
    times: dict[str, datetime] = {}
    reached = below[None].copy()
    for message in reached:  # grows while it is gone through
        earliest = times[message.parent_id] + _TICK if message.parent_id is not None else message.created_at
        times[message.id] = max(message.created_at, earliest)
        reached += below[message.id]
    return times
