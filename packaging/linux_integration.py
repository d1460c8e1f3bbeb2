"""Lays out what makes the program part of a Linux desktop: menu entry, icons, file type, metadata, service."""

from __future__ import annotations

import argparse
import os
import shutil
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import program_icons

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "packaging/linux"
APP_ID = "org.tetherdesktop.Tether"


def main() -> None:
    """Lay it out in the folder that is named, which becomes ``/usr/share`` or the ``share`` of a bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("share", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--homepage", default="", help="where the project lives; left out where it is not known")
    chosen = parser.parse_args()
    for path in lay_out(chosen.share, chosen.version, chosen.homepage):
        print(path)


def lay_out(share: Path, version: str, homepage: str = "") -> list[Path]:
    """Write everything that belongs under ``share``; what was written.

    The menu entry starts ``tether`` from PATH. The user's unit goes beside it, as ``systemd/user/tether.service``; a
    package moves it to ``/usr/lib``.
    """
    written = [
        _copy(SOURCES / f"{APP_ID}.desktop", share / f"applications/{APP_ID}.desktop"),
        _copy(SOURCES / f"{APP_ID}.mime.xml", share / f"mime/packages/{APP_ID}.xml"),
        _copy(SOURCES / "tether.service", share / "systemd/user/tether.service"),
        _copy(program_icons.SOURCE, share / f"icons/hicolor/scalable/apps/{APP_ID}.svg"),
        _write(share / f"metainfo/{APP_ID}.metainfo.xml", metainfo(version, homepage)),
    ]
    for side, picture in program_icons.draw(list(program_icons.LINUX_SIDES)).items():
        written.append(_write(share / f"icons/hicolor/{side}x{side}/apps/{APP_ID}.png", picture))
    return written


def metainfo(version: str, homepage: str = "") -> bytes:
    """What software centres show, with this release."""
    ET.register_namespace("xml", "http://www.w3.org/XML/1998/namespace")
    tree = ET.parse(SOURCES / f"{APP_ID}.metainfo.xml")  # noqa: S314  (a file of ours)
    component = tree.getroot()
    if homepage:
        ET.SubElement(component, "url", type="homepage").text = homepage
    releases = ET.SubElement(component, "releases")
    ET.SubElement(releases, "release", version=version, date=release_day())
    ET.indent(tree)
    written: bytes = ET.tostring(component, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def release_day() -> str:
    """The day of what is built: that of the commit where the build says so, so that builds of it are the same."""
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def _write(target: Path, content: bytes) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


if __name__ == "__main__":
    main()
