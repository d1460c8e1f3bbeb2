"""Lists in pages: how much of one is asked for, and where its rest is."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request

MOST_ROWS = 1000

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="How many are passed over.")]

LINK = {"Link": 'Where the next page is, as `<address>; rel="next"`; absent on the last one.'}
"""Describes the header that the functions here make."""


def next_link(request: Request, **changed: object) -> dict[str, str]:
    """The header that leads to the next page: the same question with some parameters changed."""
    query = {**request.query_params, **changed}
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}
