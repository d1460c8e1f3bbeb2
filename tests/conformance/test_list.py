"""The list of what engines can do: it is the one in the documents, and every line of it is tested."""

from __future__ import annotations

import inspect
from types import FunctionType

import pytest

from tests.conformance import (
    abilities,
    test_crash,
    test_forms,
    test_sampling,
    test_streaming,
    test_turns,
)
from tests.conformance.abilities import ABILITIES, ENGINES
from tests.conformance.subjects import SETTINGS, why_not_the_real_package

MODULES = (test_streaming, test_sampling, test_forms, test_turns, test_crash)


def suite() -> list[FunctionType]:
    functions = [value for module in MODULES for _, value in inspect.getmembers(module, inspect.isfunction)]
    return [function for function in functions if function.__name__.startswith("test_")]


def test_the_page_about_engines_has_the_list_as_it_is_tested() -> None:
    assert abilities.PAGE.read_text(encoding="utf-8") == abilities.page(), "run `make docs`"


def test_every_test_says_what_it_is_about_and_every_ability_is_tested() -> None:
    needed = {test.__name__: getattr(test, "needs", ()) for test in suite()}
    assert [name for name, abilities_needed in needed.items() if not abilities_needed] == []
    assert {ability for needs in needed.values() for ability in needs} == ABILITIES.keys()


def test_every_kind_of_engine_is_in_the_suite() -> None:
    assert {setting.engine for setting in SETTINGS.values()} == ENGINES.keys()


def test_an_ability_that_nobody_has_heard_of_is_an_error() -> None:
    with pytest.raises(ValueError, match="flying"):
        abilities.needs("flying")


def test_mlc_llm_itself_is_in_the_suite_where_it_is_installed() -> None:
    reason = why_not_the_real_package()
    if reason:
        pytest.skip(f"only its double was tested: {reason}")
    assert "mlc-real" in SETTINGS
