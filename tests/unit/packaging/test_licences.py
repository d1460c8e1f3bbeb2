"""What the installers carry: whose it is, whether it may be handed out, and the notices of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MODULES = ["tether_desktop.app", "entry", "jinja2.filters", "json.decoder", "pip._vendor.rich.text"]


@pytest.fixture
def made_of(tmp_path: Path) -> Callable[..., Any]:
    """A built program of these files and modules, as the inventory sees it."""
    from bundle_inventory import Bundle, Rules, take_inventory

    class Made(Bundle):
        def modules(self) -> list[str]:
            return modules

    modules: list[str] = []

    def make(*files: str, of: list[str] = MODULES) -> Any:
        modules[:] = of
        for file in files:
            path = tmp_path / "_internal" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return take_inventory(Made(tmp_path), Rules())

    return make


def component(**changes: Any) -> Any:
    from bundle_inventory import Component

    return Component(
        **{"name": "thing", "version": "1", "licence": "MIT", "kind": "package", "texts": ("text",), **changes}
    )


def refused(**changes: Any) -> str:
    import notices
    from bundle_inventory import Rules

    return notices.refusal(component(**changes), Rules())


def test_everything_the_program_needs_may_be_handed_out() -> None:
    import notices
    from bundle_inventory import Rules

    rules = Rules()
    components = notices.needed_components(rules)
    assert len(components) > 80
    assert notices.licence_problems(components, rules) == []


@pytest.mark.parametrize(
    "licence",
    ["MIT", "MIT OR GPL-3.0-only", "(Apache-2.0 OR MIT) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception", "MPL-2.0"],
)
def test_what_can_be_met_by_licences_that_are_allowed_is_taken(licence: str) -> None:
    assert refused(licence=licence) == ""


@pytest.mark.parametrize(
    ("licence", "why"),
    [
        ("", "unknown"),
        ("GPL-3.0-only", "does not allow"),
        ("AGPL-3.0-or-later", "does not allow"),
        ("MIT AND GPL-2.0-only", "does not allow"),
        ("LGPL-2.1-or-later", "does not allow"),
        ("GPL-3.0-only WITH Classpath-exception-2.0", "does not allow"),
        ("Commercial", "unknown"),
        ("BSD License", "unknown"),
        ("MIT AND", "no SPDX expression"),
        ("LicenseRef-Mine", "does not allow"),
    ],
)
def test_an_unknown_or_forbidden_licence_is_refused_with_the_reason(licence: str, why: str) -> None:
    assert why in refused(licence=licence)


def test_the_lgpl_is_for_libraries_that_can_be_replaced() -> None:
    assert refused(licence="LGPL-2.1-or-later", kind="library") == ""
    assert refused(licence="LGPL-3.0-only", name="PySide6_Essentials") == ""
    assert refused(licence="LGPL-3.0-only", kind="crate") != ""


def test_a_package_without_the_text_of_its_licence_is_refused() -> None:
    import notices
    from bundle_inventory import Rules

    problems = notices.licence_problems([component(texts=())], Rules())
    assert problems == ["thing 1: it comes without the text of its licence"]


def test_files_and_modules_are_given_to_those_who_made_them(made_of: Callable[..., Any]) -> None:
    found = made_of(
        "resources/style/tether.qss", "resources/fonts/Inter-Bold.otf", "libz.so.1", "runtime/libtvm_runtime.so",
        "lib-dynload/_json.cpython-311-x86_64-linux-gnu.so", "_ssl.pyd", "PySide6/Qt/lib/libQt6Core.so.6",
        "numpy-2.4.6.dist-info/METADATA",
    )  # fmt: skip
    kinds = {each.name.casefold(): each.kind for each in found.components if each.kind != "crate"}
    assert kinds == {
        "jinja2": "package", "pip": "package", "pyside6_essentials": "package", "apache-tvm": "package",
        "python": "interpreter", "inter": "asset", "zlib": "library",
    }  # fmt: skip
    assert found.strangers == ()


def test_what_nobody_is_known_to_have_made_is_told(made_of: Callable[..., Any]) -> None:
    import notices

    found = made_of("libreadline.so.8", "secret/notes.bin", of=["json", "unheard_of.module"])
    assert found.strangers == ("libreadline.so.8", "secret/notes.bin", "unheard_of.module")
    assert len(notices.stranger_problems(found)) == 3


def test_words_about_a_package_that_is_not_there_make_no_component(made_of: Callable[..., Any]) -> None:
    assert made_of("numpy-2.4.6.dist-info/METADATA", of=[]).components == ()


def test_each_text_stands_once_in_the_notices_and_is_found_again(tmp_path: Path) -> None:
    import notices
    from bundle_inventory import Bundle, Inventory

    (tmp_path / "_internal").mkdir()
    first = component(name="one", texts=("The “same” text.\r\nOver lines.", "Its own"))
    second = component(name="two", texts=("The “same” text.\nOver lines.\n",))
    notices.write(Bundle(tmp_path), Inventory((first, second), ()))
    written = (tmp_path / "_internal" / notices.TEXT).read_bytes()
    assert written.count("The “same” text.".encode()) == 1
    index = json.loads((tmp_path / "_internal" / notices.INDEX).read_text(encoding="utf-8"))
    texts = [[written[at : at + length].decode() for at, length in each["texts"]] for each in index]
    assert texts == [["The “same” text.\nOver lines.", "Its own"], ["The “same” text.\nOver lines."]]


def test_the_notices_say_how_qt_is_replaced_and_where_its_source_is() -> None:
    import notices

    qt = component(
        name="PySide6_Essentials", version="6.11.3", licence="LGPL-3.0-only", files=("PySide6/Qt/lib/libQt6Core.so.6",)
    )
    crate = component(name="serde", version="1.0.0", kind="crate", texts=())
    text = notices.compose([qt, crate])[0].decode()
    assert "in the folder PySide6/Qt/lib beside this file" in text
    assert "https://download.qt.io/official_releases/qt/6.11/6.11.3/" in text
    assert text.index("Crates of Rust") < text.index("serde 1.0.0")


def test_the_bill_of_materials_keeps_to_its_standard_and_is_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    import sbom

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600560000")
    parts = [
        component(name="Jinja2", version="3.1.6", licence="BSD-3-Clause", home="https://example.org/jinja"),
        component(name="serde", version="1.0.0", kind="crate", licence="MIT OR Apache-2.0"),
        component(name="Inter", version="", kind="asset", licence="OFL-1.1"),
    ]
    text = sbom.bill(parts, "1.2.3")
    assert sbom.bill(reversed(parts), "1.2.3") == text
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == "1.2.3"
    purls = {each.get("purl") for each in bill["components"]}
    assert purls == {"pkg:pypi/jinja2@3.1.6", "pkg:cargo/serde@1.0.0", None}
    assert json.loads(sbom.bill(parts, "1.2.4"))["serialNumber"] != bill["serialNumber"]


def test_the_version_of_the_bill_is_the_programs() -> None:
    import sbom

    import tether_desktop

    assert sbom.program_version() == tether_desktop.__version__
