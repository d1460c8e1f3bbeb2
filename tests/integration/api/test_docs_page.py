"""The page on which the port can be tried: all of it from this computer, within what its policy allows."""

from __future__ import annotations

import re

from tests.helpers.api import OpenApi


async def test_the_page_needs_no_token_and_nothing_from_elsewhere(api: OpenApi) -> None:
    async with api.stranger() as stranger:
        page = await stranger.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        assert len(addresses) == 4
        for address in addresses:
            file = await stranger.get(f"/{address}")
            assert file.is_success
            assert file.content
        assert "://" not in page.text
        assert (await stranger.get("/docs/other.js")).status_code == 404
        assert (await stranger.get("/docs/..%2f__init__.py")).status_code == 404


async def test_the_page_has_no_script_that_its_policy_forbids(api: OpenApi) -> None:
    page = await api.client.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert re.findall(r"<script(?! src=)", page.text) == []
    assert (await api.client.get("/docs/start.js")).headers["content-type"].startswith("text/javascript")


async def test_the_index_names_every_route_that_is_described(api: OpenApi) -> None:
    async with api.stranger() as stranger:
        index = (await stranger.get("/")).json()
        document = (await stranger.get("/openapi.json")).json()
    assert (index["name"], index["status"]) == ("Tether", "ok")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {(endpoint["method"], endpoint["path"]) for endpoint in index["endpoints"]} == described
