"""Fetches a page of the internet and gives its text."""

from __future__ import annotations

import asyncio
import codecs
import re

from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin.known_addresses import check_known
from tether_desktop.tools.builtin.page_client import Page, PageClient, parse_url
from tether_desktop.tools.builtin.readable_html import readable
from tether_desktop.tools.builtin.text_content import decode
from tether_desktop.tools.conversation import current_conversation

_PART = 10_000
_HTML = {"text/html", "application/xhtml+xml"}
_CHARSET = re.compile(rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_DECLARED_WITHIN = 4096
# Names of encodings of texts; Python knows others, which are slow or no encodings of texts.
_CHARSETS = re.compile(
    r"(utf|us-ascii|ascii|iso|latin|cp\d|windows-|gb|big5|shift|sjis|euc|koi8|mac|tis)[\w.:-]*", re.IGNORECASE
)


class PageTools:
    """The tool over a client."""

    def __init__(self, client: PageClient) -> None:
        self._client = client

    async def fetch_page(self, url: str, part: int = 1) -> str:
        """Read a page of the internet that the user named or that web_search found.

        Args:
            url: its address, exactly as it was given.
            part: which part of a long page, from 1.
        """
        address = parse_url(url)
        check_known(address, current_conversation())
        page = await self._client.get(address)
        # Parsing a large page takes long enough to be felt elsewhere.
        title, text = await asyncio.to_thread(_content, page)
        return _part(page, title, text, max(part, 1))


def _content(page: Page) -> tuple[str, str]:
    text = _text(page)
    is_html = page.content_type in _HTML or (not page.content_type and text.lstrip()[:1] == "<")
    return readable(text) if is_html else ("", text.strip())


def _text(page: Page) -> str:
    """The body in the encoding that the server says, else the page itself, else what fits."""
    declared = _CHARSET.search(page.body[:_DECLARED_WITHIN])
    for name in (page.charset, declared[1].decode("ascii", "replace") if declared else ""):
        if _CHARSETS.fullmatch(name):
            try:
                return codecs.lookup(name).decode(page.body, "replace")[0]
            except (LookupError, UnicodeError):
                continue
    text = decode(page.body, whole=page.whole)
    if text is None:
        raise ToolError("The page cannot be fetched", "What came is no text.", "")
    return text


def _part(page: Page, title: str, text: str, part: int) -> str:
    parts = -(-len(text) // _PART) or 1
    heading = "\n".join(filter(None, [title, page.url]))
    if not text:
        return f"{heading}\n\nThe page has no text; it may need a browser to show any."
    if part > parts:
        return f"{heading}\n\nThe page has {parts} parts only."
    place = "" if parts == 1 else f"\nPart {part} of {parts}" + ("" if page.whole else ", the rest is too long") + "."
    return f"{heading}{place}\n\n{text[(part - 1) * _PART : part * _PART]}"
