"""The body of a request: JSON, in which every text is one that can be written down again."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request


class JsonRequest(Request):
    """A request whose JSON has no half of a surrogate pair in it, as clients send that cut texts anywhere."""

    async def json(self) -> Any:
        """The body, halves of surrogate pairs joined, or replaced when alone.

        Raises:
            ValueError: it is no JSON.
        """
        value = await super().json()
        return _writable(value) if b"\\ud" in (await self.body()).lower() else value


def _writable(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
