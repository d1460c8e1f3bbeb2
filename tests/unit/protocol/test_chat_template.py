"""Chat templates are foreign programs: rendered as Hugging Face does, and kept within bounds."""

from __future__ import annotations

import sys

import pytest

from tether_desktop.protocol.chat_template import ChatTemplate, ChatTemplateError

MESSAGES = [{"role": "user", "content": "Grüße"}, {"role": "assistant", "content": "Hi"}]


def render(source: str, deadline_s: float = 5.0) -> str:
    return ChatTemplate(source, {"bos_token": "<s>"}, deadline_s).render(MESSAGES, add_generation_prompt=True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m['content'] }};{% endfor %}",
            "<s>user:Grüße;assistant:Hi;",
        ),
        ("{% if add_generation_prompt %}go{% endif %}", "go"),
        ("{{ messages[0].content | tojson }}", '"Grüße"'),
        ("{{ {'b': 1, 'a': 2} | tojson(indent=1) }}", '{\n "b": 1,\n "a": 2\n}'),
        ("{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{{ m.role }}{% endfor %}", "user"),
        ("  {% if true %}\nx\n  {% endif %}\n", "x\n"),
        ("{% generation %}kept{% endgeneration %}", "kept"),
        ("{% if tools %}no{% elif tools is none %}none{% endif %}", "none"),
        ("{{ strftime_now('%Y') | length }}", "4"),
        (
            "{{ 'a' ~ 1 ~ none ~ 'b' + 'c' }}{{ 2 * 3 }}{{ 2 ** 10 }}{{ 'x' * 3 }}{{ '%s!' % 'y' }}{{ 7 % 4 }}",
            "a1Nonebc61024xxxy!3",
        ),
        ("{{ messages | map(attribute='role') | join('\n\n') }}", "user\n\nassistant"),
        ("{{ messages | join('+', attribute='role') }} {{ '-'.join(['a', 'b']) }}", "user+assistant a-b"),
        ("{{ '{}-{:>3}'.format('a', 1) }} {{ '%s' | format('b') }} {{ 'aXb'.replace('X', '') }}", "a-  1 b ab"),
        (
            "{{ '**%s** costs 12345678 * 2' % 'x' }} {{ '5% * {} = 12345678'.format('y') }}",
            "**x** costs 12345678 * 2 5% * y = 12345678",
        ),
        ("{{ 1700000000 | string }} {{ 'x'.ljust(2) }}| {{ 'x' | indent(2, true) }}", "1700000000 x |   x"),
        ("{{ 'a,b'.split(',')[-1].strip() }}", "b"),
        (
            "{{ 'aXb' | replace('X', '-') }} {{ ' a ' | trim }} {{ [3, 1] | sort | first }} {{ 'ab' | list | last }}",
            "a-b a 1 b",
        ),
        ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ [1, 2] | sum }}", "13"),
        (
            "{{ messages[::-1][0].role }} {{ messages[0].items() | list | length }} {{ messages[0].get('x', 'y') }}",
            "assistant 2 y",
        ),
        (
            "{{ {'b': 1, 'a': 2} | dictsort }} {{ (1, 2) }} {{ [[1], [2]] | map('first') | join('+') }}",
            "[('a', 2), ('b', 1)] (1, 2) 1+2",
        ),
        ("{% macro m(a) %}{{ a }}{{ varargs }}{{ caller() if caller else '' }}{% endmacro %}{{ m(1, 2) }}", "1(2,)"),
        ("{% set x %}a{% endset %}{% filter upper %}{{ x }}b{% endfilter %}{{ ('a' | safe) ~ '<' }}", "ABa<"),
        ("{% set j = joiner('+') %}{% for m in messages %}{{ j() }}{{ loop.cycle('x', 'y') }}{% endfor %}", "x+y"),
        (
            "{{ dict(a=1) | items | list }} {{ 'a' in {'a': 1} }} {{ 7 // 2 }} {{ 1 / 2 }} {{ -2 | abs }}",
            "[('a', 1)] True 3 0.5 2",
        ),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
    ],
)
def test_a_template_renders_as_the_tokenizers_of_its_origin_do(source: str, text: str) -> None:
    assert render(source) == text


def test_a_template_may_refuse_its_messages_in_its_own_words() -> None:
    with pytest.raises(ChatTemplateError, match="roles must alternate"):
        render("{{ raise_exception('roles must alternate') }}")


@pytest.mark.parametrize(
    "source",
    [
        "{% for %}",
        "{{ messages[0].nope.nope }}",
        "{{ nope() }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ 'x' | nope }}",
    ],
)
def test_a_broken_template_is_an_error_that_says_why(source: str) -> None:
    with pytest.raises(ChatTemplateError, match=r"\w"):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception.__globals__ }}",
        "{{ '{0.__class__}'.format(messages) }}",
        "{{ self._TemplateReference__context }}",
    ],
)
def test_a_template_reaches_nothing_but_the_messages(source: str) -> None:
    try:
        rendered = render(source)
    except ChatTemplateError:
        rendered = ""
    assert rendered == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | map('string') | select('none') | list }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | map('int', 'x') | map('abs') | sum | int('y') }}{% endfor %}",
    ],
)
def test_a_template_that_never_ends_is_ended(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="did not end within"):
        render(source, deadline_s=0.05)


def test_a_template_that_calls_itself_for_ever_is_ended() -> None:
    with pytest.raises(ChatTemplateError):
        render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")


@pytest.mark.parametrize(
    "source",
    [
        "{{ 10 ** 10 ** 10 }}",
        "{{ 2 ** 101 }}",
        "{% set ns = namespace(x=9) %}{% for i in range(64) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{{ 'x' * 10 ** 12 }}",
        "{{ [1] * 10 ** 12 }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '%(a)999999999d' % {'a': 1} }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '{:999999999}'.format('x') }}",
        "{{ '{:{w}}'.format('x', w=999999999) }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x' | indent(width=10 ** 9, first=true) }}",
        "{{ ['x'] | batch(10 ** 9, 'y') | list }}",
        "{% set x = 'x' * 1000000 %}{{ ([x] * 1000) | join }}",
        "{% set x = 'x' * 1000000 %}{{ ''.join([x] * 1000) }}",
        "{% set x = 'x' * 1000000 %}{{ x.replace('x', x) }}",
        "{% set x = 'x' * 1000000 %}{{ x | replace('x', x) }}",
        "{{ 'x' | center(10 ** 12) }}",
    ],
)
def test_a_template_that_grows_beyond_measure_is_ended(source: str) -> None:
    with pytest.raises(ChatTemplateError):
        render(source)


def test_an_endless_output_is_ended() -> None:
    with pytest.raises(ChatTemplateError, match="too large"):
        render("{% set x = 'x' * 1000000 %}{% for i in range(99) %}{{ x }}{% endfor %}")


def test_a_huge_template_is_refused() -> None:
    with pytest.raises(ChatTemplateError, match="1,000,001"):
        ChatTemplate("x" * 1_000_001, {})


def test_the_thread_is_left_as_it_was() -> None:
    before = sys.gettrace()
    render("x")
    with pytest.raises(ChatTemplateError):
        render("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", deadline_s=0.01)
    assert sys.gettrace() is before
