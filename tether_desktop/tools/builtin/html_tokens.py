"""Takes HTML apart into tags and text, in time that grows with its length alone, however hostile it is."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from dataclasses import dataclass

# A quote has a meaning after "=" alone. Nothing here is tried twice: possessive throughout.
_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)(?P<attributes>(?:[^>=]|=\s*+(?:\"[^\"]*+\"|'[^']*+'|))*+)>", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([^\s=/\"'<>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]*+)))?")
_RAW = {
    name: re.compile(rf"</{name}", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp")
}


@dataclass(frozen=True, slots=True)
class Tag:
    """The beginning or the end of an element.

    Attributes:
        name: in small letters.
        attributes: as they stand there.
    """

    name: str
    is_end: bool
    attributes: str

    def given(self) -> dict[str, str]:
        """The attributes, by their names in small letters."""
        found = _ATTRIBUTE.findall(self.attributes)
        return {name.lower(): double or single or bare for name, double, single, bare in found}


def tokens(html: str) -> Iterator[Tag | str]:
    """The tags of a page, and the text between them with its entities resolved; comments are left out.

    What is never closed (a comment, a tag, a script) ends the page, as it does in browsers.
    """
    place = 0
    while (start := html.find("<", place)) >= 0:
        if start > place:
            yield resolved(html[place:start])
        if html.startswith(("<!", "<?"), start):
            place = _after_comment(html, start)
        elif not html[start + 1 : start + 3].lstrip("/")[:1].isalpha():
            yield "<"
            place = start + 1
        elif found := _TAG.match(html, start):
            tag = Tag(found["name"].lower(), bool(found["end"]), found["attributes"])
            yield tag
            place = _after_raw(html, tag, found.end())
        else:
            return
    yield resolved(html[place:])


def _after_comment(html: str, start: int) -> int:
    mark = "-->" if html.startswith("<!--", start) else ">"
    end = html.find(mark, start + 2)
    return len(html) if end < 0 else end + len(mark)


def _after_raw(html: str, tag: Tag, place: int) -> int:
    """Where reading goes on: after the text of an element whose text is none of the page's."""
    if tag.is_end or tag.name not in _RAW:
        return place
    end = _RAW[tag.name].search(html, place)
    return end.start() if end else len(html)


def resolved(text: str) -> str:
    """The text with its entities resolved."""
    try:
        return entities.unescape(text)
    except ValueError:
        # The number of a character with thousands of digits.
        return text
