"""The message tree of a session: the shown branch, and which version of which a message is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Link = tuple[str, str | None]
"""A message's id and its parent's, None for the first. Sequences of links are oldest first."""


def branch(links: Sequence[Link], head: str | None) -> list[str]:
    """The ids from the first message down to ``head``; empty without a head."""
    parents: Mapping[str, str | None] = dict(links)
    ids: list[str] = []
    while head is not None and head in parents:
        ids.append(head)
        head = parents[head]
    return ids[::-1]


def newest_leaf(links: Sequence[Link], top: str) -> str:
    """The newest message at or below ``top``; parents are older than their children, so it has none."""
    newest, reached = top, {top}
    for message_id, parent_id in links:
        if parent_id in reached:
            reached.add(message_id)
            newest = message_id
    return newest


def number_versions(links: Sequence[Link]) -> dict[str, tuple[int, int]]:
    """For each message its place (from 1) among its siblings, and their count."""
    counts: Counter[str | None] = Counter()
    places = {}
    for message_id, parent_id in links:
        counts[parent_id] += 1
        places[message_id] = counts[parent_id]
    return {message_id: (places[message_id], counts[parent_id]) for message_id, parent_id in links}
