"""What engines can do, and which of them cannot by their nature; the list of docs/engines.md is made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

ENGINES: Mapping[str, str] = MappingProxyType(
    {"tvm": "Tether's own", "mlc": "MLC-LLM", "remote": "server", "scripted": "scripted"}
)
"""Kinds of engine and their titles, in the order of the list."""

PAGE = Path(__file__).parents[2] / "docs/engines.md"
_BEGIN = "<!-- Made by `make docs` from tests/conformance/abilities.py; change that, never this. -->"
_END = "<!-- The end of what is made. -->"

_Test = TypeVar("_Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Ability:
    """Something an engine can do.

    Attributes:
        title: for the list.
        missing: kinds of engine that cannot do it, each with the reason.
    """

    title: str
    missing: Mapping[str, str] = field(default_factory=dict)


_A_SCRIPT = "no: it says what its script says"
_NO_NUMBERS = "no: its tokens have no numbers"
_ELSEWHERE = "as the server does"
_SCHEMAS_ALONE = "no, and says so: its interface for completions takes schemas alone"
_NO_COMMON_WAY = "no, and says so: servers have no common way to be asked for it"
_HELD_TO_NOTHING = "no, and says so: it says what its script says"
_IN_THE_TEXT = "no need: calls are found in its text"

ABILITIES: Mapping[str, Ability] = MappingProxyType(
    {
        "streaming": Ability("Text as it is made, in whole characters; at the end the reason, counts and times"),
        "stop": Ability("Texts that end the reply are not part of it, however they were cut into tokens"),
        "max_tokens": Ability("A longest reply"),
        "greedy": Ability("Temperature 0 gives the same reply again"),
        "seed": Ability("A seed gives the same reply again; without one, replies differ", {"scripted": _A_SCRIPT}),
        "penalty": Ability("Presence and frequency penalties", {"scripted": _A_SCRIPT}),
        "repetition": Ability(
            "Repetition penalty, top-k, min-p",
            {"scripted": _A_SCRIPT, "mlc": "no: its interface for completions has none of them", "remote": _ELSEWHERE},
        ),
        "bias": Ability("A bias forces or bans a token", {"scripted": _NO_NUMBERS}),
        "logprobs": Ability("Tells how likely each token was, and which others were"),
        "raw_logprobs": Ability(
            "… before bias and temperature, and of up to 20 others",
            {
                "scripted": "no: they are made up",
                "mlc": "no: after bias and temperature, of 5 others, and their texts in visible ASCII alone",
                "remote": _ELSEWHERE,
            },
        ),
        "window": Ability("Refuses a prompt that leaves no room for a reply, and ends where its window does"),
        "empty": Ability("Refuses an empty prompt", {"scripted": "no: it answers anything"}),
        "count": Ability(
            "Counts tokens as it reads them", {"remote": "where the server counts; else they are estimated"}
        ),
        "reuse": Ability("Reads the beginning of a conversation once", {"remote": _ELSEWHERE}),
        "special": Ability(
            "Marks of the format that somebody typed stay text",
            {"scripted": "no: it knows no such marks", "remote": _ELSEWHERE},
        ),
        "ends": Ability(
            "Ends at the model's own end mark", {"scripted": "no: it knows no such marks", "remote": _ELSEWHERE}
        ),
        "pieces": Ability(
            "A character that is spread over several tokens comes whole",
            {"scripted": "no: its tokens are words", "remote": _ELSEWHERE},
        ),
        "json_schema": Ability("Holds a reply to a JSON schema", {"scripted": _HELD_TO_NOTHING}),
        "regex": Ability(
            "… to a regular expression",
            {"mlc": _SCHEMAS_ALONE, "remote": _NO_COMMON_WAY, "scripted": _HELD_TO_NOTHING},
        ),
        "lark": Ability(
            "… to a grammar", {"mlc": _SCHEMAS_ALONE, "remote": _NO_COMMON_WAY, "scripted": _HELD_TO_NOTHING}
        ),
        "markers": Ability(
            "Special tokens of calls are text where that is asked for, others never",
            {"scripted": "no: it knows no such marks", "remote": _ELSEWHERE},
        ),
        "tools": Ability(
            "Tells calls of tools apart from its text",
            {"tvm": _IN_THE_TEXT, "mlc": _IN_THE_TEXT, "scripted": _IN_THE_TEXT},
        ),
        "sessions": Ability("Several conversations in turn do not mix"),
        "cancel": Ability("Stops at any moment, and is ready for the next request"),
        "crash": Ability("A crash costs one reply", {"remote": "it has no process here that could"}),
    }
)


def needs(*abilities: str) -> Callable[[_Test], _Test]:
    """Mark a test as one for engines with these abilities."""
    unknown = set(abilities) - ABILITIES.keys()
    if unknown:
        raise ValueError(f"there are no abilities {unknown}")

    def mark(test: _Test) -> _Test:
        test.needs = abilities  # type: ignore[attr-defined]
        return test

    return mark


def can(engine: str, abilities: tuple[str, ...]) -> bool:
    """Whether that kind of engine has all of these abilities."""
    return all(engine not in ABILITIES[ability].missing for ability in abilities)


def listing() -> str:
    """The list in Markdown, with the reasons below it."""
    reasons: list[str] = []
    head = ["| | " + " | ".join(ENGINES.values()) + " |", "|---" * (len(ENGINES) + 1) + "|"]
    rows = [[ability.title, *(_cell(ability, engine, reasons) for engine in ENGINES)] for ability in ABILITIES.values()]
    lines = [*head, *(f"| {' | '.join(row)} |" for row in rows)]
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([*lines, "", *notes]) + "\n"


def _cell(ability: Ability, engine: str, reasons: list[str]) -> str:
    if engine not in ability.missing:
        return "yes"
    reason = ability.missing[engine]
    if reason not in reasons:
        reasons.append(reason)
    return f"see {reasons.index(reason) + 1}"


def page() -> str:
    """The page with the list as it is now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{listing()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
