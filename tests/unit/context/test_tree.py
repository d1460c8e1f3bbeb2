"""Branches and versions of the message tree."""

from __future__ import annotations

from tether_desktop.context.tree import Link, branch, newest_leaf, number_versions

#   a ── b ── d ── g
#    └── c ── e
#         └── f          z: another first message
TREE: list[Link] = [("a", None), ("b", "a"), ("c", "a"), ("d", "b"), ("e", "c"), ("f", "c"), ("z", None), ("g", "d")]


def test_a_branch_leads_from_the_first_message_to_the_head() -> None:
    assert branch(TREE, "e") == ["a", "c", "e"]
    assert branch(TREE, "a") == ["a"]
    assert branch(TREE, "z") == ["z"]


def test_without_a_head_there_is_no_branch() -> None:
    assert branch(TREE, None) == []
    assert branch([], "gone") == []


def test_the_newest_leaf_is_looked_for_below_a_message_only() -> None:
    assert newest_leaf(TREE, "a") == "g"
    assert newest_leaf(TREE, "b") == "g"
    assert newest_leaf(TREE, "c") == "f"
    assert newest_leaf(TREE, "z") == "z"


def test_siblings_are_numbered_by_age_and_first_messages_are_siblings() -> None:
    versions = number_versions(TREE)
    assert versions == {
        "a": (1, 2),
        "z": (2, 2),
        "b": (1, 2),
        "c": (2, 2),
        "d": (1, 1),
        "e": (1, 2),
        "f": (2, 2),
        "g": (1, 1),
    }
