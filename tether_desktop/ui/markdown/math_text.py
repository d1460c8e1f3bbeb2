"""Mathematics as a line of readable text: LaTeX in, Unicode out, never a formula that means something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

LONGEST_FORMULA = 2_000
"""Characters above which a formula is shown as it was written."""
MOST_GROUPS = 300
"""Braces above which it is: the parser goes down into each."""

_UP = dict(zip("0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθφχ′", (
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿᵠᵡ′"
), strict=True))  # fmt: skip
_DOWN = dict(zip("0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_ROOTS = {"3": "∛", "4": "∜"}
_NAMES = {
    "ne": "≠",
    "neq": "≠",
    "iff": "⟺",
    "implies": "⟹",
    "impliedby": "⟸",
    "to": "→",
    "gets": "←",
    "land": "∧",
    "lor": "∨",
    "lnot": "¬",
    "|": "‖",
    "Vert": "‖",
    "lVert": "‖",
    "rVert": "‖",
    "vert": "|",
    "lbrace": "{",
    "rbrace": "}",
    "dots": "…",
    "!": "",
    "\\": "\n",
    "limits": "",
    "nolimits": "",
    "displaystyle": "",
    "textstyle": "",
    "notin": "∉",
    "varnothing": "∅",
    "qquad": "    ",
    "hline": "",
}
_OPERATORS = frozenset(
    {"arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp", "gcd"}
    | {"hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "Pr", "sec", "sin", "sinh"}
    | {"sup", "tan", "tanh", "mod", "bmod"}
)
_SIZES = frozenset(
    {"left", "right", "middle"}
    | {size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")}
)
_FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
_TWO_ARGUMENTS = (*_FRACTIONS, "binom")
_PREFIXES = frozenset("Δ∇∂")
_RELATIONS = frozenset("=<>≤≥≠≈≡∼≅∝∈∉⊂⊆⊃⊇→←↔⇒⇔⟹⟺⟸↦∣")
_MARKS = "[\u0300-\u036f\u20d0-\u20ff′″⁰¹²³⁴-⁹₀-₉ᵀⁿᵢⱼₖₙ]*"
_ATOM = re.compile(rf"[√∛∜]?([0-9.]+|[d∂]?[^\W\d_]){_MARKS}|[√∛∜]\([^()]*\)")
_SCRIPT = re.compile(r"\s*([\^_])\s*|(')+")
_SPACES = re.compile(r"[^\S\n]+")


@lru_cache(maxsize=1_024)
def math_text(formula: str) -> str | None:
    """The formula as text, possibly of several lines; None when it cannot be shown so and stays as it was written."""
    if len(formula) > LONGEST_FORMULA or formula.count("{") + formula.count("\\begin") > MOST_GROUPS:
        return None
    from pylatexenc.latexwalker import LatexWalker

    try:
        nodes, _, _ = LatexWalker(formula, _syntax(), tolerant_parsing=False).get_latex_nodes()
        shown = _Renderer().nodes(nodes)
    except Exception:  # noqa: BLE001 — the parser is not ours, and what a model wrote can always be shown as it is
        return None
    lines = (_SPACES.sub(" ", line).replace(": =", ":=").strip() for line in shown.split("\n"))
    return "\n".join(line for line in lines if line) or None


class _NotShown(Exception):
    """Something in the formula has no text that means the same."""


class _Renderer:
    """Walks over a formula's nodes."""

    def nodes(self, nodes: Sequence[Any]) -> str:
        """The text of nodes that follow each other; scripts belong to what comes before them."""
        shown = ""
        rest = [node for node in nodes if node is not None]
        while rest:
            node = rest.pop(0)
            if type(node).__name__ != "LatexCharsNode":
                shown += self._node(node)
                continue
            mark = _SCRIPT.search(node.chars)
            if mark is None:
                shown += _spaced(node.chars)
                continue
            if not (shown + node.chars[: mark.start()]).strip() and mark.group(1) is None:
                raise _NotShown
            shown += _spaced(node.chars[: mark.start()])
            after = node.chars[mark.end() :]
            if mark.group(1) is None:
                shown += "′" * len(mark.group())
                rest[:0] = [_chars(after)] if after else []
                continue
            text, rest = self._script(after, rest)
            base = shown.rstrip()
            shown = base + _script(text, up=mark.group(1) == "^") + (" " if base != shown else "")
        return shown

    def _script(self, after: str, rest: list[Any]) -> tuple[str, list[Any]]:
        """What stands high or low, and the nodes behind it."""
        if after:
            return after[0], [_chars(after[1:]), *rest] if after[1:] else rest
        if not rest:
            raise _NotShown
        return self._node(rest[0]), rest[1:]

    def _node(self, node: Any) -> str:
        kind = type(node).__name__
        if kind == "LatexCharsNode":
            return _spaced(node.chars)
        if kind == "LatexGroupNode":
            return self.nodes(node.nodelist)
        if kind == "LatexMacroNode":
            return self._macro(node)
        if kind == "LatexEnvironmentNode":
            return self._environment(node)
        if kind == "LatexSpecialsNode":
            return {"&": " ", "~": " ", "''": "″"}.get(node.specials_chars, str(node.specials_chars))
        raise _NotShown

    def _macro(self, node: Any) -> str:
        name, special = node.macroname, _SPECIAL.get(node.macroname)
        arguments = [self._node(each) if each is not None else "" for each in _arguments(node)]
        if special is not None:
            return special(arguments)
        if name in _NAMES:
            return _tail(_NAMES[name], node)
        if name in _SIZES:
            return "" if arguments == ["."] else "".join(arguments)
        if name in _OPERATORS:
            return f"{name.removeprefix('b')} " if name != "bmod" else " mod "
        return _known(node, arguments)

    def _environment(self, node: Any) -> str:
        body = self.nodes(node.nodelist)
        name = node.environmentname.rstrip("*")
        rows = [_SPACES.sub(" ", row).strip() for row in body.split("\n")]
        if name in {"pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "matrix", "smallmatrix"}:
            around = {"p": "()", "v": "||", "V": "‖‖", "B": "{}"}.get(name[0], "[]")
            return around[0] + "; ".join(filter(None, rows)) + around[1]
        if name == "cases":
            return "{ " + "\n   ".join(filter(None, rows))
        if name in {"aligned", "align", "gathered", "gather", "equation", "split", "array", "multline", "eqnarray"}:
            return "\n".join(filter(None, rows))
        raise _NotShown


def _arguments(node: Any) -> list[Any]:
    parsed = node.nodeargd
    return list(parsed.argnlist) if parsed is not None and parsed.argnlist else []


def _chars(text: str) -> Any:
    from pylatexenc.latexwalker import LatexCharsNode

    return LatexCharsNode(text)


def _spaced(chars: str) -> str:
    """Plain characters, with minus signs, and room around what compares."""
    chars = chars.replace("-", "−").replace("*", "∗")
    return "".join(f" {each} " if each in _RELATIONS else each for each in chars)


def _script(text: str, *, up: bool) -> str:
    text = text.strip()
    table, mark = (_UP, "^") if up else (_DOWN, "_")
    bare = text.replace(" ", "")
    if bare and all(each in table for each in bare):
        return "".join(table[each] for each in bare)
    if up and bare in {"∘", "°", "′", "∗", "⊤", "†"}:
        return {"∘": "°", "⊤": "ᵀ"}.get(bare, bare)
    is_name = not up and bare.isalnum()
    return mark + (bare if is_name else _whole(text))


def _whole(text: str) -> str:
    """The text so that what stands beside it cannot be read as part of it."""
    text = text.strip()
    return text if _ATOM.fullmatch(text) or len(text) == 1 else f"({text})"


def _fraction(arguments: list[str]) -> str:
    return f"{_whole(arguments[-2])}/{_whole(arguments[-1])}"


def _root(arguments: list[str]) -> str:
    degree, inner = (arguments[0].strip("[] "), arguments[1]) if len(arguments) > 1 else ("", arguments[0])
    sign = _ROOTS.get(degree, _script(degree, up=True) + "√" if degree else "√")
    return sign + _whole(inner)


def _over(mark: str) -> Callable[[list[str]], str]:
    """A sign over one letter; over several it would stand over the last one alone."""

    def shown(arguments: list[str]) -> str:
        inner = arguments[-1].strip() if arguments else ""
        if not inner:
            raise _NotShown
        return "".join(each + mark for each in inner) if mark == "\u0305" or len(inner) == 1 else f"({inner}){mark}"

    return shown


def _same(arguments: list[str]) -> str:
    return arguments[-1]


_SPECIAL: dict[str, Callable[[list[str]], str]] = {
    **dict.fromkeys(_FRACTIONS, _fraction),
    "sqrt": _root,
    "binom": lambda given: f"C({given[-2]}, {given[-1]})",
    **dict.fromkeys(
        ("text", "textrm", "mathrm", "operatorname", "mathit", "textit", "textbf", "mathsf", "mbox"), _same
    ),
    "boxed": lambda given: f"[{_same(given).strip()}]",
    "overline": _over("\u0305"),
    "bar": _over("\u0304"),
    "hat": _over("\u0302"),
    "widehat": _over("\u0302"),
    "tilde": _over("\u0303"),
    "vec": _over("\u20d7"),
    "dot": _over("\u0307"),
    "ddot": _over("\u0308"),
    "pmod": lambda given: f" (mod {_same(given)})",
    "tag": lambda given: f"  ({_same(given)})",
}


def _tail(text: str, node: Any) -> str:
    """A sign with room around it where it compares, and behind it where the source has some."""
    if text and text in _RELATIONS:
        return f" {text} "
    return text if text in _PREFIXES else text + str(node.macro_post_space or "")


def _known(node: Any, arguments: list[str]) -> str:
    """What the library has for it: a sign, or letters in another face."""
    from pylatexenc.latex2text import LatexNodes2Text

    found = _symbols().get_macro_spec(node.macroname)
    if found is None or found.simplify_repl is None or found.simplify_repl == "":
        raise _NotShown
    if callable(found.simplify_repl):
        return str(LatexNodes2Text(math_mode="text").nodelist_to_text([node]))
    text = str(found.simplify_repl)
    if arguments or "%" in text.removeprefix("%"):
        raise _NotShown
    return _tail(text, node)


@lru_cache(maxsize=1)
def _syntax() -> Any:
    """How many arguments the macros take: those of the library, and the ones of mathematics that it lacks."""
    from pylatexenc.latexwalker import get_default_latex_context_db
    from pylatexenc.macrospec import MacroSpec

    known = get_default_latex_context_db()
    one = [MacroSpec(name, "{") for name in (*_SPECIAL, *_SIZES) if name not in _TWO_ARGUMENTS and name != "sqrt"]
    two = [MacroSpec(name, "{{") for name in _TWO_ARGUMENTS]
    known.add_context_category("mathematics", macros=[*one, *two], prepend=True)
    return known


@lru_cache(maxsize=1)
def _symbols() -> Any:
    from pylatexenc.latex2text import get_default_latex_context_db

    return get_default_latex_context_db()
