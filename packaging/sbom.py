"""Writes the bill of materials of a built program, as CycloneDX 1.6 in JSON.

python packaging/sbom.py BUNDLE TARGET.cdx.json
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from bundle_inventory import OWN, ROOT, Bundle, Component, normal, take_inventory
from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

_PURL_TYPES = {"package": "pypi", "crate": "cargo"}
_NAMESPACE = uuid.UUID("6f0c6e2c-7b7a-5d0d-9a54-2f8f5a5b0d11")


def main(arguments: list[str]) -> int:
    """Write it, and make sure that it is what the standard says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("target", type=Path)
    chosen = parser.parse_args(arguments)
    text = bill(take_inventory(Bundle(chosen.bundle)).components, program_version())
    chosen.target.parent.mkdir(parents=True, exist_ok=True)
    chosen.target.write_text(text, encoding="utf-8")
    return 0


def bill(components: Iterable[Component], version: str) -> str:
    """The bill of a program made of these; the same components at the same moment give the same bytes.

    Raises:
        ValueError: it would not be what the standard says.
    """
    parts = {(each.kind, each.name, each.version): _part(each) for each in components}
    own = Part(
        name=OWN,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=OWN,
        licenses=[LicenseExpression("Apache-2.0")],
    )
    bom = Bom(components=parts.values())
    bom.metadata.component = own
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time()), UTC)
    bom.register_dependency(own, parts.values())
    named = "\n".join(sorted(str(part.bom_ref) for part in parts.values()))
    bom.serial_number = uuid.uuid5(_NAMESPACE, f"{version}\n{sha256(named.encode()).hexdigest()}")
    text = JsonV1Dot6(bom).output_as_string(indent=1) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise ValueError(str(problem))
    return text


def program_version() -> str:
    """The version that is built."""
    text = (ROOT / "tether_desktop/__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def _part(component: Component) -> Part:
    kind = _PURL_TYPES.get(component.kind)
    name = normal(component.name) if kind == "pypi" else component.name
    purl = PackageURL(type=kind, name=name, version=component.version) if kind else None
    home = ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(component.home)) if component.home else None
    return Part(
        name=component.name,
        version=component.version or None,
        type=_type_of(component),
        bom_ref=f"{component.kind}:{name}@{component.version}",
        licenses=[LicenseExpression(component.licence)],
        purl=purl,
        external_references=[home] if home else [],
    )


def _type_of(component: Component) -> ComponentType:
    if component.kind == "asset":
        return ComponentType.MACHINE_LEARNING_MODEL if "LM" in component.name else ComponentType.FILE
    return ComponentType.PLATFORM if component.kind == "interpreter" else ComponentType.LIBRARY


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
