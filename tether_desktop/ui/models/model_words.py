"""A model's state and figures in the words people read."""

from __future__ import annotations

import time
from datetime import datetime

from PySide6.QtCore import QDate, QLocale, QTime

from tether_desktop.ui.models.model_status import ModelStatus, weights_text
from tether_desktop.ui.number_text import whole
from tether_desktop.ui.size_text import size_text
from tether_desktop.ui.translation import mark, translate

_STATES = {
    "unloaded": mark("ModelWords", "not loaded"),
    "loading": mark("ModelWords", "loading"),
    "ready": mark("ModelWords", "ready"),
    "busy": mark("ModelWords", "answering"),
    "failed": mark("ModelWords", "failed"),
}


def state_text(status: ModelStatus) -> str:
    """The state in a word or two: "ready", "loading 42 %"."""
    if status.gone:
        return translate("ModelWords", "files gone")
    if status.asks_first:
        return translate("ModelWords", "asks first")
    if status.preparable:
        return translate("ModelWords", "not prepared")
    if not status.usable:
        return translate("ModelWords", "not usable")
    text = translate("ModelWords", _STATES[status.state]) if status.state in _STATES else status.state
    if status.state == "loading" and status.progress is not None:
        return f"{text} {int(status.progress * 100)} %"
    return text


def detail_text(status: ModelStatus) -> str:
    """Size, memory, device and context window, as far as they are known."""
    parts = []
    if status.loaded and status.memory_bytes:
        parts.append(memory_text(status))
    elif status.size_bytes:
        parts.append(_on_disk(status))
    if status.device:
        parts.append(status.device)
    if status.context_window:
        parts.append(translate("ModelWords", "{count} tokens").format(count=whole(status.context_window)))
    return " · ".join(parts)


def facts_text(status: ModelStatus) -> str:
    """What a model is, loaded or not: "95 MB on disk · 4-bit weights · 8,192 tokens of context"."""
    parts = [_on_disk(status)] if status.size_bytes else []
    parts.append(weights_text(status.quantization))
    if status.context_window:
        words = translate("ModelWords", "{count} tokens of context")
        parts.append(words.format(count=whole(status.context_window)))
    if status.server:
        parts.append(translate("ModelWords", "on the server {server}").format(server=status.server))
    return " · ".join(filter(None, parts))


def memory_text(status: ModelStatus) -> str:
    """What it may take while it is loaded."""
    return translate("ModelWords", "up to {size} in memory").format(size=size_text(status.memory_bytes))


def loaded_text(status: ModelStatus, idle_minutes: int) -> str:
    """What a loaded model takes and runs on, and until when it stays: empty for one that is not loaded."""
    if not status.loaded:
        return ""
    memory = memory_text(status) if status.memory_bytes else ""
    parts = [part for part in (memory, status.device) if part]
    if status.state == "busy":
        parts.append(translate("ModelWords", "answering now"))
    elif status.idle_since:
        parts.append(idle_text(status.idle_since, idle_minutes))
    text = " · ".join(parts)
    return text[:1].upper() + text[1:]


def idle_text(idle_since: float, idle_minutes: int) -> str:
    """Since when nobody used it and when it will be unloaded, by the clock: that stays true without a timer."""
    since = clock_text(idle_since)
    if not idle_minutes:
        return translate("ModelWords", "unused since {since}, stays loaded").format(since=since)
    words = translate("ModelWords", "unused since {since}, unloads at {until}")
    return words.format(since=since, until=clock_text(idle_since + idle_minutes * 60))


def clock_text(seconds: float) -> str:
    """A time of day, of seconds since 1970, as the desktop writes it."""
    at = time.localtime(seconds)
    return QLocale().toString(QTime(at.tm_hour, at.tm_min), QLocale.FormatType.ShortFormat)


def date_text(moment: datetime) -> str:
    """A day, or the time of today, as the desktop writes it."""
    local = moment.astimezone()
    if local.date() == datetime.now(local.tzinfo).date():
        return clock_text(local.timestamp())
    return QLocale().toString(QDate(local.year, local.month, local.day), QLocale.FormatType.ShortFormat)


def _on_disk(status: ModelStatus) -> str:
    return translate("ModelWords", "{size} on disk").format(size=size_text(status.size_bytes))
