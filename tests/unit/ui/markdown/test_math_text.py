"""Formulas as text: what they become, and what is left alone because it would mean something else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Line
from tether_desktop.ui.markdown.math_text import LONGEST_FORMULA, math_text
from tether_desktop.ui.markdown.parser import parse


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"x^2 + y_1", "x² + y₁"),
        (r"\frac{a+b}{c}", "(a+b)/c"),
        (r"\frac12", "1/2"),
        (r"\frac{dy}{dx}", "dy/dx"),
        (r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}", "x = (−b ± √(b²−4ac))/(2a)"),
        (r"\int_0^\infty e^{-x^2}\,dx", "∫₀^∞e^(−x²) dx"),
        (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
        (r"e^{i\pi}+1=0", "e^(iπ)+1 = 0"),
        (r"\sqrt[3]{x+1}", "∛(x+1)"),
        (r"a_{ij}^{k}", "aᵢⱼᵏ"),
        (r"90^\circ", "90°"),
        (r"A^{-1} A^T", "A⁻¹ Aᵀ"),
        (r"\mathbb{R}^n \to \mathcal{H}", "ℝⁿ → ℋ"),
        (r"\left\{ \frac{a}{b} \right.", "{ a/b"),
        (r"\lim_{x \to 0} \frac{\sin x}{x}", "lim_(x → 0) (sin x)/x"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a b; c d)"),
        (r"\begin{aligned} a &= b \\ c &= d\end{aligned}", "a = b\nc = d"),
        (r"\text{if } x \ne 0", "if x ≠ 0"),
        (r"f''(x)", "f″(x)"),
        (r"\binom{n}{k}", "C(n, k)"),
        (r"C_6H_{12}O_6", "C₆H₁₂O₆"),
        (r"\log_2 n", "log₂ n"),
    ],
)
def test_formulas_are_shown_as_people_write_them(formula: str, shown: str) -> None:
    assert math_text(formula) == shown


@pytest.mark.parametrize(
    "formula",
    [
        r"\frac{\frac{",
        r"\foo{bar}",
        r"\underbrace{a+b}_{c}",
        r"{n \choose k}",
        r"\input{/etc/passwd}",
        "a % b",
        "x^",
        r"\vec{}",
        "",
        "{" * 500 + "}" * 500,
        "x" * (LONGEST_FORMULA + 1),
    ],
)
def test_what_cannot_be_said_in_text_stays_as_it_was_written(formula: str) -> None:
    assert math_text(formula) is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*"\\{}^_&$%~#ab1 +-'[]()", r"\frac", r"\sqrt", r"\begin{matrix}", r"\left", r"\\"])))
def test_no_formula_is_too_broken_to_be_looked_at(pieces: list[str]) -> None:
    shown = math_text("".join(pieces))
    assert shown is None or shown.strip()


def shown_lines(text: str) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in parse(text) if isinstance(line, Line)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("so $x^2$.", "so x²."),
        (r"so \(x^2\).", "so x²."),
        ("in $$x^2$$ line", "in x² line"),
        ("**$x^2$** and $n$", "x² and n"),
        ("$20$ of them", "20 of them"),
    ],
)
def test_formulas_in_a_line_are_found(text: str, shown: str) -> None:
    assert shown_lines(text) == [("paragraph", shown)]


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $6",
        "$5-$6",
        "it costs 5$ or 6$",
        "US$5 for CA$6",
        "$ x $",
        "$x",
        "from $5, or 5$ then",
        r"\(x",
        "`$x^2$`",
    ],
)
def test_money_and_loose_dollars_stay_what_they_are(text: str) -> None:
    assert shown_lines(text) == [("paragraph", text.replace("`", "").replace("\\(", "("))]


@pytest.mark.parametrize(("opening", "closing"), [("$$", "$$"), ("\\[", "\\]")])
def test_a_formula_on_lines_of_its_own_is_a_block(opening: str, closing: str) -> None:
    text = f"so\n{opening}\nx^2\n+ y\n{closing}\nthen"
    assert shown_lines(text) == [("paragraph", "so"), ("math", "x² + y"), ("paragraph", "then")]
    (line,) = [line for line in parse(text) if isinstance(line, Line) and line.kind == "math"]
    assert line.original == f"{opening}\nx^2\n+ y\n{closing}"


def test_a_block_that_is_never_closed_ends_at_a_blank_line() -> None:
    assert shown_lines("$$\nx^2\n\n# after") == [("paragraph", f"$${LINE_BREAK}x^2"), ("heading", "after")]


def test_rows_of_a_block_are_lines() -> None:
    assert shown_lines("$$\n\\begin{aligned} a &= b \\\\ c &= d\\end{aligned}\n$$") == [
        ("math", f"a = b{LINE_BREAK}c = d")
    ]
