"""Writes the table of docs/monitoring.md from the table of what is measured, so that the two cannot disagree."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.protocol.api.monitoring.metric_table import METRICS, Metric

TARGET = Path(__file__).resolve().parent.parent / "docs/monitoring.md"
TABLE = "tether_desktop/protocol/api/monitoring/metric_table.py"
BEGIN = f"<!-- Made by `make docs` from {TABLE}; change that, never this. -->\n"
END = "<!-- End of what is made. -->\n"
_HEAD = "| Figure | Kind | Labels | What it tells |\n|---|---|---|---|\n"


def with_table(page: str) -> str:
    """The page with the table as it has to be now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_HEAD}{''.join(map(_line, METRICS))}\n{END}{after}"


def _line(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    return f"| `{metric.exposed_name}` | {metric.kind} | {labels} | {metric.help} |\n"


if __name__ == "__main__":
    TARGET.write_text(with_table(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
