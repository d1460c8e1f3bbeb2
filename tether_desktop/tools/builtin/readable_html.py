"""The text of an HTML page as a person would read it, without menus, scripts and what is hidden."""

from __future__ import annotations

import re

from tether_desktop.tools.builtin.html_tokens import Tag, resolved, tokens

_NEVER_READ = {
    "script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "select", "textarea", "math",
    "title", "noembed", "noframes", "xmp", "button", "dialog", "datalist", "audio", "video",
}  # fmt: skip
_ASIDE = {"nav", "footer", "aside"}
_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
}  # fmt: skip
# Their ends are often left out; the next of the kind ends them.
_ENDED_BY_THE_NEXT = {"p", "li", "td", "th", "tr", "dt", "dd", "option"}
_BLOCKS = {
    "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "form",
    "header", "hr", "main", "ol", "p", "pre", "section", "summary", "table", "ul",
}  # fmt: skip
_LINES = {"br", "tr", "li", "caption"}
_CELLS = {"td", "th"}
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_MARKED = {**_HEADINGS, "li": "- "}
_MARKS = frozenset(_MARKED.values())
_LAST_CELL = re.compile(r"(?: \|)++\s*+$")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_MAIN = re.compile(r"<main[\s>]", re.IGNORECASE)
_ARTICLE = re.compile(r"<article[\s>]", re.IGNORECASE)
_ENOUGH = 200


def readable(html: str) -> tuple[str, str]:
    """The title and the text of a page: paragraphs apart, headings with #, items with -, table cells with |.

    Args:
        html: any text at all.
    """
    found = _TITLE.search(html)
    title = " ".join(resolved(found[1]).split()) if found else ""
    for part in _main_parts(html):
        if len(text := _text(part, _NEVER_READ | _ASIDE)) >= _ENOUGH:
            return title, text
    text = _text(html, _NEVER_READ | _ASIDE)
    # A page that is all menu, or never closes one, is better read with it than not at all.
    return title, text if len(text) >= _ENOUGH else _text(html, _NEVER_READ)


def _main_parts(html: str) -> list[str]:
    """What pages mark as their content, where they do."""
    parts = []
    if found := _MAIN.search(html):
        parts.append(html[found.start() : _last(html, "</main")])
    articles = list(_ARTICLE.finditer(html))
    if len(articles) == 1:
        parts.append(html[articles[0].start() : _last(html, "</article")])
    return parts


def _last(html: str, end: str) -> int:
    place = html.lower().rfind(end)
    return place if place >= 0 else len(html)


def _text(html: str, left_out: set[str]) -> str:
    writer, skipped, depth = _Writer(), "", 0
    for token in tokens(html):
        if skipped:
            depth = _depth_after(token, skipped, depth)
            skipped = skipped if depth else ""
        elif isinstance(token, str):
            writer.text(token)
        elif token.is_end:
            writer.end(token.name)
        elif token.name not in _VOID and (token.name in left_out or _is_hidden(token)):
            skipped, depth = token.name, 1
            writer.leave_out(token.name)
        else:
            writer.begin(token.name)
    return writer.finish()


def _depth_after(token: Tag | str, skipped: str, depth: int) -> int:
    """How deep inside of a skipped element the text after a token is."""
    if isinstance(token, str) or token.name != skipped:
        return depth
    if token.is_end or skipped in _ENDED_BY_THE_NEXT:
        return depth - 1
    return depth + 1


def _is_hidden(tag: Tag) -> bool:
    if "hid" not in (attributes := tag.attributes.lower()) and "none" not in attributes:
        return False
    given = tag.given()
    hidden = "hidden" in given or given.get("aria-hidden") == "true"
    return hidden or bool(_INVISIBLE.search(given.get("style", "")))


class _Writer:
    """Puts pieces of text together, with as much white space between them as their tags ask for."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._gap = ""
        self._raw = 0

    def text(self, text: str) -> None:
        """Add text; line breaks in it mean nothing, unless it is preformatted."""
        if self._raw:
            self._write(text)
            return
        words = " ".join(text.split())
        if text[:1].isspace():
            self._widen(" ")
        if words:
            self._write(words)
            if text[-1:].isspace():
                self._widen(" ")

    def begin(self, tag: str) -> None:
        """Begin an element."""
        self._break(tag)
        if tag in _CELLS:
            self._widen(" | ")
        self._raw += tag == "pre"
        if tag in _MARKED:
            self._forget_mark()
            self._write(_MARKED[tag])

    def end(self, tag: str) -> None:
        """End an element, begun or not."""
        self._raw = max(0, self._raw - (tag == "pre"))
        if tag in _MARKED:
            self._forget_mark()
        if tag in _CELLS:
            self._widen(" | ")
        else:
            self._break(tag)

    def leave_out(self, tag: str) -> None:
        """Leave out an element, but not the gap that it makes."""
        self._break(tag)

    def finish(self) -> str:
        """All there is."""
        lines = "".join(self._pieces).split("\n")
        return "\n".join(_LAST_CELL.sub("", line).rstrip() for line in lines).strip()

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS or tag in _HEADINGS:
            self._widen("\n\n")
        elif tag in _LINES:
            self._widen("\n")

    def _widen(self, gap: str) -> None:
        # Of several breaks in a row the widest counts.
        self._gap = max(self._gap, gap, key=lambda each: (each.count("\n"), len(each)))

    def _write(self, text: str) -> None:
        # What follows the mark of an item or a heading stays in its line.
        if self._pieces and self._pieces[-1] not in _MARKS:
            self._pieces.append(self._gap)
        self._gap = ""
        self._pieces.append(text)

    def _forget_mark(self) -> None:
        """Take back the mark of an item that turned out to be empty, and the gap before it."""
        if self._pieces and self._pieces[-1] in _MARKS:
            self._pieces.pop()
            if self._pieces:
                self._widen(self._pieces.pop())
