"""What is handed out for Windows and macOS, as far as it can be tried elsewhere."""

from __future__ import annotations

import plistlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from tether_desktop.paths import APP_ID

ROOT = Path(__file__).parents[3]


@pytest.fixture
def platforms(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "packaging/frozen")
    import platforms

    return platforms


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.2.3", "1.2.3.0"), ("0.1.0rc2", "0.1.0.0"), ("2.0", "2.0.0.0"), ("1.2.3+full", "1.2.3.0")],
)
def test_windows_gets_four_numbers(version: str, numbers: str) -> None:
    import package_windows

    assert package_windows.numeric_version(version) == numbers


@pytest.mark.parametrize(("version", "numbers"), [("1.2.3", "1.2.3"), ("0.1.0rc2", "0.1.0"), ("2.0.dev1", "2.0")])
def test_macos_gets_up_to_three_numbers(platforms: Any, version: str, numbers: str) -> None:
    told = platforms.info_plist(ROOT, version)
    assert told["CFBundleShortVersionString"] == told["CFBundleVersion"] == numbers


def test_macos_opens_models_with_it_and_knows_what_they_are(platforms: Any) -> None:
    told = platforms.info_plist(ROOT, "1.0")
    (kind,) = told["CFBundleDocumentTypes"]
    (declared,) = told["UTImportedTypeDeclarations"]
    assert kind["LSItemContentTypes"] == [declared["UTTypeIdentifier"]]
    assert declared["UTTypeTagSpecification"]["public.filename-extension"] == ["gguf"]
    assert kind["LSHandlerRank"] == "Alternate", "which program opens models is the person's choice"
    assert told["NSHighResolutionCapable"] is True


def test_the_entitlements_are_what_compiled_models_need_and_no_more() -> None:
    told = plistlib.loads((ROOT / "packaging/macos/entitlements.plist").read_bytes())
    assert told == {"com.apple.security.cs.disable-library-validation": True}


def test_code_in_an_application_is_signed_from_the_inside(tmp_path: Path) -> None:
    import package_macos

    code = b"\xcf\xfa\xed\xfe" + bytes(20)
    for name, content in {
        "Contents/MacOS/tether": code,
        "Contents/Frameworks/libz.dylib": code,
        "Contents/Frameworks/QtCore.framework/Versions/A/QtCore": code,
        "Contents/Resources/models/libs/a.dylib": code,
        "Contents/Resources/LICENSE": b"text",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "Contents/Frameworks/link.dylib").symlink_to("libz.dylib")
    found = [path.relative_to(tmp_path / "Contents").as_posix() for path in package_macos.nested_code(tmp_path)]
    assert set(found) == {
        "Frameworks/libz.dylib",
        "Frameworks/QtCore.framework",
        "Frameworks/QtCore.framework/Versions/A/QtCore",
        "Resources/models/libs/a.dylib",
    }
    assert found.index("Frameworks/QtCore.framework/Versions/A/QtCore") < found.index("Frameworks/QtCore.framework")


def test_the_script_of_the_installer_compiles_without_a_warning(tmp_path: Path) -> None:
    import package_windows
    import program_icons

    if shutil.which("makensis") is None:
        pytest.skip("makensis is not installed")
    payload = tmp_path / "payload"
    (payload / "_internal").mkdir(parents=True)
    for name in ("tether.exe", "tether-window.exe", "_internal/LICENSE"):
        (payload / name).write_text("stands in", encoding="utf-8")
    program_icons.write_icons(tmp_path / "icons")
    target = tmp_path / "tether-setup.exe"
    package_windows.compile_installer(payload, "1.2.3", "lite", tmp_path / "icons/tether.ico", target)
    assert target.read_bytes()[:2] == b"MZ"


def test_the_installer_knows_the_program_by_its_name_everywhere_else() -> None:
    script = (ROOT / "packaging/windows/tether.nsi").read_text(encoding="utf-8")
    assert f'!define APP_ID "{APP_ID}"' in script
    assert "RequestExecutionLevel user" in script
    assert "HKLM" not in script, "nothing is written that needs an administrator"
