"""The table of types tells of each what packing changes."""

from __future__ import annotations

import pytest

from benchmarks import mapping
from benchmarks.report import Report


@pytest.fixture(scope="module")
def report() -> Report:
    return mapping.run(quick=True)


def test_every_type_that_can_be_packed_is_in_the_table_and_exact_ones_are_called_so(report: Report) -> None:
    rows = {row[0]: dict(zip(mapping.COLUMN_NAMES, row, strict=True)) for row in report.tables[0].rows}
    assert rows.keys() == {"Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0", "F16", "BF16", "F32"}
    exact = {name for name, row in rows.items() if row["exact"] == "yes"}
    assert exact == {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"}
    for row in rows.values():
        assert (row["mapping %"] == 0) == (row["exact"] == "yes")
        assert max(row["mapping %"], row["type itself %"]) <= row["both %"] * 1.001  # type: ignore[type-var, operator]
    assert (rows["Q4_0"]["bits"], rows["Q4_K"]["bits here"], rows["Q6_K"]["packed as"]) == (4.5, 5.0, "q8_0")


def test_other_tables_have_the_types_that_are_packed_otherwise_there(report: Report) -> None:
    with_others, shortened = ({row[0]: row[2] for row in table.rows} for table in report.tables[1:])
    assert with_others == dict.fromkeys(("Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K"), "q8_0")
    assert set(shortened.values()) == {"q4_1"}
    assert not {"Q4_0", "Q4_1", "Q4_K"} & shortened.keys()
