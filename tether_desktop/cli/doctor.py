"""`tether doctor`: what works on this machine, what does not, and the remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tether_desktop.cli.output import print_json, safe


def doctor(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check what works on this machine; exit code 1 when something essential does not."""
    from tether_desktop.doctor import examine

    findings = list(examine())
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(f"{finding.status:<5} {finding.check}: {safe(finding.message)}")
            if finding.remedy:
                typer.echo(f"      {safe(finding.remedy)}")
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)
