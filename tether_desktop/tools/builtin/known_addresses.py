"""Which addresses a model may ask for: those that the person typed, or that a search has found."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2

from tether_desktop.errors import ToolError
from tether_desktop.tools.conversation import ConversationContext

_ADDRESS = re.compile(
    r"https?://[^\s<>\"]+|(?<![\w@./-])(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?][^\s<>\"]*)?", re.IGNORECASE
)
_AROUND = ".,;:!?'\"*_`)]}»”’"


def check_known(url: httpx2.URL, context: ConversationContext) -> None:
    """Refuse an address that the model made up: it could carry what was said here to whoever owns it.

    Raises:
        ToolError: nobody but the model has named it.
    """
    wanted = _key(url)
    named = (*addresses_in(context.texts_by_user), *context.addresses_seen)
    if not any(_is(wanted, address) for address in named):
        message = f"Neither the user nor a search in this conversation has named {str(url)[:300]}."
        hint = "Only such addresses can be fetched. Ask the user for the address."
        raise ToolError("The page cannot be fetched", message, hint)


def addresses_in(text: str) -> Iterator[str]:
    """The addresses in what somebody typed, with "https://" or without; each with the marks after it, and without."""
    for found in _ADDRESS.finditer(text):
        address = found[0]
        yield address
        while address and address[-1] in _AROUND:
            address = address[:-1]
            yield address


def _is(wanted: tuple[str, int | None, bytes], address: str) -> bool:
    try:
        return wanted == _key(httpx2.URL(address if "://" in address else f"https://{address}"))
    except (httpx2.InvalidURL, ValueError):
        return False


def _key(url: httpx2.URL) -> tuple[str, int | None, bytes]:
    """What makes two addresses the same page: not whether it is encrypted, "www.", a slash at the end or a fragment."""
    path, mark, query = url.raw_path.partition(b"?")
    host = url.raw_host.decode("ascii").removesuffix(".").removeprefix("www.")
    return host, url.port, path.rstrip(b"/") + mark + query
