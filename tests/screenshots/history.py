"""The conversations and the model that the pictures show."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.context.store import Store
from tether_desktop.messages import Message, Reasoning, Text, Timings, ToolCall, ToolResult, Usage, text_message

MODEL = "Starling-1B-q4_1-MLC"
TITLES = (
    "Tomato seedlings on the balcony",
    "A letter to the landlord",
    "Packing list for the north",
    "Why bread rises",
    "Sorting photographs by date",
    "Reading list for winter",
    "Regular expressions, slowly",
    "Names for a sailing boat",
    "Budget for the workshop",
    "Notes on the tides",
)
SORTING = """Use the time that the camera wrote into each file, and fall back to the file's own:

```python
from datetime import datetime
from pathlib import Path

def taken_at(picture: Path) -> datetime:
    \"\"\"When a picture was taken; the file's time where the camera wrote none.\"\"\"
    return exif_time(picture) or datetime.fromtimestamp(picture.stat().st_mtime)
```

| folder | pictures | time taken from |
|---|--:|---|
| 2024 | 1,208 | camera |
| 2025 | 977 | camera |
| scans | 312 | file |

The spread of two sets of times is compared by $\\sigma = \\sqrt{\\frac{1}{n}\\sum_i (t_i - \\mu)^2}$:

1. **Camera time** differs by seconds.
2. **File time** differs by days, because copying changes it.
"""


def fill(data: Path, models: Path) -> None:
    """A history as after a few weeks, and one model."""
    data.mkdir(parents=True, exist_ok=True)
    write_scripted_model(
        models,
        MODEL,
        replies=[
            {"match": "wait", "steps": ["Bread rises because **yeast** eats sugar and breathes out ", {"wait": True}]},
            {
                "match": ".",
                "steps": [{"text": "Yeast eats sugar and breathes out carbon dioxide, which gluten holds."}],
            },
        ],
    )
    (data / "window.json").write_text(json.dumps({"toured": True}), encoding="utf-8")
    store = Store(f"sqlite:///{data / 'tether.db'}")
    for title in reversed(TITLES):
        session = store.create_session(title, MODEL)
        _talk(store, session.id, title)
    store.close()


def _talk(store: Store, session_id: str, title: str) -> None:
    question = store.add_message(
        session_id, text_message("user", _QUESTIONS.get(title, f"Tell me about: {title}")), parent_id=None
    )
    reply = store.add_message(session_id, Message("assistant"), parent_id=question.id, model=MODEL)
    parts = _ANSWERS.get(title, (Text(f"{title}: begin with what you have, and write down what is missing."),))
    said = Message("assistant", parts)
    usage, timings = Usage(212, 180, 164), Timings(0.0, 0.04, 0.05, 1.9)
    store.update_reply(reply.id, said, finish_reason="stop", usage=usage, timings=timings)


_QUESTIONS = {
    "Sorting photographs by date": "How do I sort ten thousand photographs by the day they were taken?",
    "Notes on the tides": "When is high water in Bergen tomorrow?",
}
_ANSWERS = {
    "Sorting photographs by date": (
        Reasoning(
            "The person has many pictures. Cameras write the time into EXIF; copies lose the file's time.", seconds=3.2
        ),
        Text(SORTING),
    ),
    "Notes on the tides": (
        ToolCall("call_1", "current_time", {"time_zone": "Europe/Oslo"}),
        ToolResult("call_1", "current_time", "Monday, 2026-11-23 09:41:00 in Europe/Oslo (UTC+01:00)", seconds=0.02),
        Text("Tomorrow is Tuesday. I cannot look up tide tables offline; the harbour office prints one for the year."),
    ),
}
