"""A site of the web on this computer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.web_site import WebSite, web_site


@pytest.fixture
def site() -> Iterator[WebSite]:
    with web_site() as site:
        yield site
