"""Values of settings and drafts as the JSON that is stored; whatever a row holds, it hides nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tether_desktop.context.records import Draft, QueuedQuestion
from tether_desktop.messages import Attachment

_NONE = "{}"
_DAMAGED = (ValueError, KeyError, TypeError, RecursionError)


def dump_overrides(overrides: Mapping[str, Any]) -> str:
    """Values of settings as a JSON object."""
    return json.dumps(dict(overrides), sort_keys=True)


def load_overrides(stored: str) -> dict[str, Any]:
    """The values of :func:`dump_overrides`; none for a damaged row."""
    if stored == _NONE:  # as nearly all of ten thousand are
        return {}
    try:
        values = json.loads(stored, parse_constant=_refuse)
    except _DAMAGED:
        return {}
    return values if isinstance(values, dict) else {}


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN is no JSON, and no value of a setting


def dump_draft(draft: Draft) -> str:
    """A draft as a JSON object."""
    queue = [{"text": each.text, "attachments": _files_json(each.attachments)} for each in draft.queue]
    return json.dumps({"text": draft.text, "attachments": _files_json(draft.attachments), "queue": queue})


def load_draft(stored: str) -> Draft:
    """The draft of :func:`dump_draft`; of a damaged row the raw text, so that nothing is lost."""
    try:
        kept = json.loads(stored)
        queue = tuple([QueuedQuestion(_text(each["text"]), _files(each["attachments"])) for each in kept["queue"]])
        return Draft(_text(kept["text"]), _files(kept["attachments"]), queue)
    except _DAMAGED:
        return Draft(stored)


def _files_json(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [asdict(each) for each in attachments]


def _files(items: Any) -> tuple[Attachment, ...]:
    return tuple([_file(item) for item in items])


def _file(item: Any) -> Attachment:
    name, text, media_type, size = item["name"], item["text"], item["media_type"], item["size"]
    if not isinstance(size, int):
        raise TypeError(size)
    return Attachment(_text(name), _text(text), _text(media_type), size)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
