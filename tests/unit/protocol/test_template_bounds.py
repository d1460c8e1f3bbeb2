"""No chat template fills the memory, takes the interpreter with it, or computes for long in one step."""

from __future__ import annotations

import tracemalloc

import pytest

from tether_desktop.protocol.chat_template import ChatTemplate, ChatTemplateError
from tether_desktop.protocol.template_meter import Meter

MESSAGES = [{"role": "user", "content": "Hi"}]
DOUBLED = "{%% set ns = namespace(x=%s, y=%s) %%}{%% for i in range(60) %%}%s{%% endfor %%}%s"


def render(source: str, messages: list[dict[str, str]] | None = None) -> str:
    return ChatTemplate(source, {"bos_token": "<s>"}).render(messages or MESSAGES, add_generation_prompt=True)


def doubled(first: str, step: str, end: str) -> str:
    """Makes a value of two of itself sixty times, then does something with it."""
    return DOUBLED % (first, first, step, end)


LISTS = "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}"


@pytest.mark.parametrize(
    "end",
    [
        "{{ ns.x }}",
        "{{ ns.x | string }}",
        "{{ ns.x | tojson }}",
        "{{ ns.x ~ '' }}",
        "{{ '%s' % (ns.x,) }}",
        "{{ '{}'.format(ns.x) }}",
        "{{ [ns.x] | join }}",
        "{{ ns.x == ns.y }}",
        "{{ ns.x in [ns.y] }}",
        "{{ [ns.x, ns.y] | sort }}",
        "{{ [ns.x, ns.y] | unique | list }}",
    ],
)
def test_lists_that_hold_themselves_over_and_over_are_refused_before_they_are_used(end: str) -> None:
    with pytest.raises(ChatTemplateError, match="too large"):
        render(doubled("[1]", LISTS, end))


@pytest.mark.parametrize(
    ("first", "step", "end"),
    [
        ("(1,)", "{% set ns.x = (ns.x, ns.x) %}", "{{ {ns.x: 1} }}"),
        ("1", "{% set ns.x = {'a': ns.x, 'b': ns.x} %}", "{{ ns.x }}"),
        ("1", "{% set ns.x = dict(a=ns.x, b=ns.x) %}", "{{ ns.x }}"),
        ("1", "{% set ns.x = {'a': ns.x, 'b': ns.x}.items() %}", "{{ ns.x }}"),
        ("[1]", "{% set ns.x = [ns.x, ns.x][:] %}", "{{ ns.x }}"),
        ("[1]", "{% set ns.x = ([ns.x] * 2) | batch(2) | list %}", "{{ ns.x }}"),
        ("[1]", "{% set ns.x = ([ns.x] * 2) | map('string') | list %}", "{{ ns.x }}"),
        ("1", "{% macro m() %}{% set ns.x = varargs %}{% endmacro %}{{ m(ns.x, ns.x) }}", "{{ ns.x }}"),
        ("1", "{% macro m() %}{% set ns.x = kwargs %}{% endmacro %}{{ m(a=ns.x, b=ns.x) }}", "{{ ns.x }}"),
        ("'ab'", "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{% set ns.x = m(ns.x) %}", ""),
        ("'ab'", "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}", ""),
        ("'ab'", "{% set ns.x %}{% filter upper %}{{ ns.x }}{{ ns.x }}{% endfilter %}{% endset %}", ""),
        (
            "'ab'",
            "{% macro m() %}{% set ns.x = caller() * 2 %}{% endmacro %}{% call m() %}{{ ns.x }}{% endcall %}",
            "",
        ),
        ("'ab'", "{% set ns.x = ns.x.replace('a', ns.x) %}", ""),
        ("'ab'", "{% set ns.x = '%s%s' % (ns.x, ns.x) %}", ""),
        ("'ab'", "{% set ns.x = '{0}{0}'.format(ns.x) %}", ""),
    ],
)
def test_no_way_to_double_a_value_leads_far(first: str, step: str, end: str) -> None:
    with pytest.raises(ChatTemplateError, match="too large"):
        render(doubled(first, step, end))


def test_a_value_of_great_depth_is_refused() -> None:
    deep = (
        "{% set ns = namespace(x=(1,)) %}{% for i in range(99999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ {ns.x: 1} }}"
    )
    with pytest.raises(ChatTemplateError, match="too large"):
        render(deep)


def test_a_namespace_that_holds_itself_can_be_written_down() -> None:
    source = "{% set ns = namespace() %}{% set ns.a = ns %}{% set ns.b = ns %}{{ ns }} {{ [ns] }}"
    assert render(source) == "<namespace> [<namespace>]"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% set ns.x = ns.x + [('漢' * 1000000) ~ i] %}{% endfor %}",
        "{% for i in range(99999) %}{% set ns.x = ns.x + [range(1000) | list] %}{% endfor %}",
        "{{ (['a' * 5000000] * 1000) | map('upper') | list }}",
        "{% set a = 'a' * 5000000 %}" + "".join(f"{{% set a{i} = a[{i}:] %}}" for i in range(1, 200)),
        "{{ ('漢' * 2000000) | list }}",
        "{{ ('漢 ' * 1000000).split() }}",
        "{{ ('%(a)s' * 4000) % {'a': 'x' * 1000000} }}",
        "{{ ('{0}' * 4000).format('x' * 1000000) }}",
        "{{ ('%(a)9999s' * 2000) % {'a': 1} }}",
        "{{ '{:{}}'.format('a', '9999999999') }}",
        "{{ '{a:{b}}'.format_map({'a': 'x', 'b': '9999999999'}) }}",
        "{{ ([[1] * 10000] * 1000) | sum(start=[]) }}",
        "{{ range(9999) | list | tojson(indent=1000000) }}",
        "{{ range(9999) | list | tojson(separators=('a' * 1000000, ':')) }}",
        "{{ ('\n' * 1000000) | indent(9999) }}",
        "{{ ('a\n' * 100000) | indent('b' * 100000) }}",
        "{{ ['a'] | slice(1000000) | list }}",
        "{% set a = ('f' * 4000000) | int(0, 16) %}{% set b = ('f' * 2000000) | int(0, 16) %}{{ a // b }}",
        "{{ ('a' * 5000000).rfind('b' + 'a' * 1000000) }}",
        "{{ ('a' * 5000000).strip('b' * 1000000 + 'a') }}",
        "{{ ('a' * 5000000) | trim('b' * 1000000 + 'a') }}",
        "{{ ('%(' * 1000000) % 1 }}",
    ],
)
def test_no_step_takes_much_memory_or_time(source: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ChatTemplateError):
            render("{% set ns = namespace(x=[]) %}" + source)
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a'.encode() }}",
        "{{ '\t'.expandtabs(9) }}",
        "{{ 'a'.translate({}) }}",
        "{{ (1).to_bytes(9, 'big') }}",
        "{{ dict.fromkeys(range(9)) }}",
        "{{ {}.items().mapping.copy() }}",
    ],
)
def test_methods_that_no_prompt_needs_are_not_there(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="may not be called"):
        render(source)


@pytest.mark.parametrize("name", ["urlize", "wordwrap", "xmlattr", "pprint", "random", "striptags"])
def test_filters_for_web_pages_are_not_there(name: str) -> None:
    with pytest.raises(ChatTemplateError, match="No filter named"):
        render(f"{{{{ 'x' | {name} }}}}")


def test_filters_are_not_applied_while_a_template_is_compiled() -> None:
    ChatTemplate("{{ [1] | slice(10000) | list }}" * 3000, {})


def test_a_long_conversation_is_no_attack() -> None:
    messages = [{"role": "user", "content": "ä" * 20_000} for _ in range(1000)]
    source = "{% for m in messages %}{{ '<|user|>' + m.content | trim + '<|end|>\n' }}{% endfor %}"
    assert len(render(source, messages)) == 1000 * 20_016


def test_a_template_that_writes_a_long_history_down_piece_by_piece_may() -> None:
    messages = [{"role": "user", "content": "x" * 500} for _ in range(500)]
    source = (
        "{% set ns = namespace(t='') %}{% for m in messages %}{% set ns.t = ns.t + m.content %}{% endfor %}{{ ns.t }}"
    )
    assert len(render(source, messages)) == 250_000


def test_an_error_of_a_template_is_kept_short() -> None:
    with pytest.raises(ChatTemplateError) as failure:
        render("{{ raise_exception('x' * 1000000) }}")
    assert len(str(failure.value)) == 300


def test_a_value_counts_with_all_that_is_in_it_as_often_as_it_is() -> None:
    meter, text = Meter(), "x" * 1000
    assert 2 * meter.size(text) < meter.size([text, text]) < 2 * meter.size(text) + 100
    inner = [text]
    assert meter.size([inner, inner]) > 2 * meter.size(inner)
    assert meter.size({"a": inner}) > meter.size(inner)
    assert meter.size({"a": inner}.items()) > meter.size(inner)


def test_iterators_become_lists_so_that_none_is_made_of_another() -> None:
    assert Meter().take(character for character in "ab") == ["a", "b"]
    assert Meter().take(reversed([1, 2])) == [2, 1]
