"""What ships for those who watch over Tether: alert rules and documents that know its figures, and a sound service."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tether_desktop.protocol.api.monitoring.metric_table import METRICS, Metric

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "packaging/prometheus-alerts.yml"
FIGURE = re.compile(r"\b(tether_[a-z0-9_]+)(?:\{([^}]*)\})?")
PARTS = ("_bucket", "_sum", "_count")


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def figures_by_name() -> dict[str, Metric]:
    """Every name that can be written in an expression."""
    named = {metric.exposed_name: metric for metric in METRICS if metric.kind != "histogram"}
    return named | {metric.name + part: metric for metric in METRICS if metric.kind == "histogram" for part in PARTS}


def expressions() -> list[str]:
    """Those of the rules, and those that the page shows in blocks without a language."""
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    shown = [text for language, text in blocks if not language and "[1h]" in text]
    return [*(rule["expr"] for rule in rules()), *shown]


def test_every_figure_that_is_asked_for_is_told_with_these_labels() -> None:
    known = figures_by_name()
    asked = [found for expression in expressions() for found in FIGURE.findall(expression)]
    assert len(asked) > 20
    for name, matchers in asked:
        assert name in known, f"there is no figure {name}"
        labels = set(re.findall(r"(\w+)\s*[=!]", matchers))
        assert labels <= {*known[name].labels, "job"}, f"{name} has no {labels}"


def test_rules_group_by_labels_that_their_figures_have() -> None:
    known = figures_by_name()
    for rule in rules():
        has = {label for name, _ in FIGURE.findall(rule["expr"]) for label in known[name].labels} | {"instance", "le"}
        grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in found.split(",")}
        told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert grouped <= has, rule["alert"]
        assert told <= (grouped - {"le"} if grouped else has), rule["alert"]


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len({*names}) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert {*rule["annotations"]} == {"summary", "description"}


def test_figures_that_annotations_name_are_told() -> None:
    known = {metric.name for metric in METRICS} | {metric.exposed_name for metric in METRICS}
    for rule in rules():
        assert {*re.findall(r"tether_[a-z_]+", str(rule["annotations"]))} <= known, rule["alert"]


def test_prometheus_itself_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_page_lists_exactly_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "packaging")
    import metrics_reference

    page = metrics_reference.TARGET.read_text(encoding="utf-8")
    assert page == metrics_reference.with_table(page), "run `make docs`"
    assert all(f"| `{metric.exposed_name}` |" in page for metric in METRICS)


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "packaging/tether.service", encoding="utf-8")
    return parser


def test_the_service_starts_a_command_that_is_there_and_ends_it_gently() -> None:
    from tether_desktop.cli.main import app

    service = unit()["Service"]
    words = service["ExecStart"].split()
    assert words[0].endswith("/.venv/bin/tether")
    assert {command.name for command in app.registered_commands} >= {*words[1:]}
    assert (service["KillMode"], service["KillSignal"]) == ("mixed", "SIGTERM")
    assert service["Restart"] == "on-failure"
    assert service["OOMPolicy"] == "continue"


def test_the_service_may_write_only_where_its_data_is() -> None:
    text = (ROOT / "packaging/tether.service").read_text(encoding="utf-8")
    service = unit()["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == service["MemoryDenyWriteExecute"] == "yes"
    folder = f"%S/{service['StateDirectory']}"
    for name in ("HOME", "TETHER_DATA_DIR", "MLC_DIST_PATH"):
        (value,) = re.findall(rf"^Environment={name}=(.*)$", text, re.MULTILINE)
        assert value == folder or value.startswith(f"{folder}/")
    assert "ProcSubset" not in unit()["Service"]


def test_systemd_itself_takes_the_service(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    text = (ROOT / "packaging/tether.service").read_text(encoding="utf-8")
    # Neither the program nor its user need be on the computer that tests.
    there = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    (tmp_path / "tether.service").write_text(re.sub(r"^(User|Group)=.*$", r"\1=root", there, flags=re.MULTILINE))
    command = [analyze, "verify", "--man=no", str(tmp_path / "tether.service")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if "tether.service" in line] == []
