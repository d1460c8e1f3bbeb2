"""Builds what is handed out for macOS, on macOS: an application of each edition in a dmg, signed where there is a key.

``TETHER_SIGN_MACOS`` names an identity of the keychain ("Developer ID Application: …"); without it everything is signed
ad hoc, which runs where it was built, and elsewhere after a person has allowed it. ``TETHER_NOTARY_PROFILE`` names
credentials that ``xcrun notarytool store-credentials`` has kept; without it nothing is notarized.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from artefacts.editions import EDITIONS
from package import ROOT, Build, Place

ENTITLEMENTS = ROOT / "packaging/macos/entitlements.plist"
_MACH_O = {b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"}
"""The first bytes of 64-bit code, and of code for several processors."""


def main() -> None:
    """Build both editions, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "build/package")
    parser.add_argument("--artefacts", type=Path, default=ROOT / "build/artefacts")
    parser.add_argument("--edition", choices=EDITIONS, action="append")
    chosen = parser.parse_args()
    build = Build(Place(chosen.work.resolve(), chosen.artefacts.resolve()))
    build.freeze()
    models = build.make_models()
    chosen.artefacts.mkdir(parents=True, exist_ok=True)
    for edition in chosen.edition or EDITIONS:
        app = build.place.work / edition / "Tether.app"
        put_together(build, models, edition, app)
        sign(app)
        target = chosen.artefacts / f"tether-desktop-{build.version}-{edition}-macos-arm64.dmg"
        write_image(app, target)
        notarize(target)
        print(target)


def put_together(build: Build, models: Path, edition: str, app: Path) -> None:
    """Make the application of an edition: what was frozen, its libraries, in one the starter model, and the notices."""
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(build.place.work / "frozen/Tether.app", app, symlinks=True)
    resources = app / "Contents/Resources/models"
    left_out = (
        [] if edition == "full" else [path.name for path in models.iterdir() if path.is_dir() and path.name != "libs"]
    )
    shutil.copytree(models, resources, ignore=shutil.ignore_patterns(*left_out))
    # The program looks among its libraries, where macOS wants links to what is none.
    (app / "Contents/Frameworks/models").symlink_to("../Resources/models")
    build.environment.run("packaging/notices.py", "write", app, cwd=ROOT)


def sign(app: Path) -> None:
    """Sign all code in an application, what is deepest first, and then the whole.

    Raises:
        CalledProcessError: it cannot be signed.
    """
    identity = os.environ.get("TETHER_SIGN_MACOS", "-")
    # Ad hoc there is nobody to vouch for the time, nor a hardened runtime that anybody checks.
    hardened = [] if identity == "-" else ["--timestamp", "--options", "runtime", "--entitlements", str(ENTITLEMENTS)]
    for code in [*nested_code(app), app]:
        subprocess.run(["/usr/bin/codesign", "--force", "--sign", identity, *hardened, code], check=True)
    subprocess.run(["/usr/bin/codesign", "--verify", "--deep", "--strict", app], check=True)


def nested_code(app: Path) -> Iterator[Path]:
    """Every file of code below an application but the one that starts it, and every framework; the deepest first."""
    main_program = app / "Contents/MacOS/tether"
    for path in sorted(app.rglob("*"), key=lambda each: (-len(each.parts), str(each))):
        if path.is_symlink() or path == main_program:
            continue
        if path.suffix == ".framework" or (path.is_file() and _is_code(path)):
            yield path


def _is_code(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _MACH_O


def write_image(app: Path, target: Path) -> None:
    """Write the dmg: the application, beside a link to the folder that it is dragged to.

    Raises:
        CalledProcessError: it cannot be made.
    """
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / "Tether"
        stage.mkdir()
        shutil.copytree(app, stage / app.name, symlinks=True)
        (stage / "Applications").symlink_to("/Applications")
        shutil.copyfile(ROOT / "LICENSE", stage / "Licence.txt")
        target.unlink(missing_ok=True)
        options = ["-volname", "Tether", "-srcfolder", str(stage), "-fs", "HFS+", "-format", "ULMO"]
        subprocess.run(["/usr/bin/hdiutil", "create", *options, str(target)], check=True)


def notarize(image: Path) -> None:
    """Have Apple look at a dmg, and pin its word to it; nothing without credentials.

    Raises:
        CalledProcessError: Apple refuses it; its log is asked for by ``xcrun notarytool log``.
    """
    profile = os.environ.get("TETHER_NOTARY_PROFILE", "")
    if not profile:
        return
    identity = os.environ["TETHER_SIGN_MACOS"]
    subprocess.run(["/usr/bin/codesign", "--sign", identity, "--timestamp", image], check=True)
    subprocess.run(
        ["/usr/bin/xcrun", "notarytool", "submit", image, "--keychain-profile", profile, "--wait"], check=True
    )
    subprocess.run(["/usr/bin/xcrun", "stapler", "staple", image], check=True)


if __name__ == "__main__":
    main()
