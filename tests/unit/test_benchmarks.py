"""The arithmetic of the benchmarks, and how they tell what they found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import engine
from benchmarks.engine_answers import Answer
from benchmarks.engine_figures import bound, bytes_per_token, median_difference, median_ratio
from benchmarks.engine_models import BenchmarkModel
from benchmarks.engine_speed import OURS, Contender, Speeds, engine_table
from benchmarks.report import Report, Table

REPORT = Report(
    "speed",
    (Table("Decode", ("engine", "tok/s"), (("ours", 1234.5), ("another", 0.12345), ("none", None))),),
    {"cores": 2},
    ("A note.",),
)


class Prepared:
    """A worker that says how long each measure took, in the order in which it is asked."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)

    def ask(self, do: str, **arguments: int) -> float:
        return self._seconds.pop(0)


def measured(name: str, *seconds: float) -> Contender:
    contender = Contender(name, 2, Prepared(*seconds))
    contender.prefill()
    contender.decode(512, 64)
    contender.decode(32, 64)
    return contender


def test_a_ratio_is_of_the_same_round_so_that_slow_rounds_do_not_count() -> None:
    assert median_ratio([200, 20, 210], [100, 10, 100]) == 2


def test_a_difference_is_of_the_same_round() -> None:
    assert median_difference([12, 120, 14], [10, 118, 10]) == 2


@pytest.mark.parametrize("compare", [median_ratio, median_difference])
def test_figures_of_different_rounds_are_not_compared(compare) -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare([1, 2], [1])


def test_a_token_reads_all_weights_and_the_keys_and_values_before_it() -> None:
    sizes = {"embed.tiles": 1000, "layers.qkv.tiles": 500}
    assert bytes_per_token(sizes, per_position=2 * 30 * 3 * 64 * 2, depth=10) == 1500 + 2 * 30 * 3 * 64 * 10 * 2


def test_of_an_embedding_that_is_not_the_head_only_a_row_is_read() -> None:
    sizes = {"embed.tiles": 1000, "lm_head.tiles": 700, "layers.qkv.tiles": 500}
    assert bytes_per_token(sizes, per_position=4, depth=0) == 1200


def test_the_bound_is_how_often_memory_can_be_read_in_a_second() -> None:
    assert bound([30e9, 15e9], 100_000_000) == [300, 150]


def test_a_rate_counts_the_tokens_after_the_first() -> None:
    answer = Answer("…", 0.1, 2.0, 0.01, prompt_tokens=9, cached_tokens=0, completion_tokens=101)
    assert answer.rate == 50


def test_the_engine_table_has_tokens_per_second_and_ours_divided_by_the_others() -> None:
    model = BenchmarkModel("A model", Path("folder"), Path("library"), {})
    speeds = Speeds(model, [measured(OURS, 0.5, 0.4, 0.2), measured("another", 1.0, 1.6, 0.4)], {})
    table = engine_table(speeds)
    ours, another = table.rows
    assert table.title == "Engine: A model"
    assert ours == (OURS, 2, 1024, 320, 160, None, None, None)
    assert another == ("another", 2, 512, 160, 40, 2, 2, 4)


def test_without_the_starter_model_the_benchmark_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path))
    report = engine.run(quick=True)
    assert report.tables == ()
    assert "tether models add starter" in report.to_text()


def test_figures_stand_right_aligned_under_their_columns() -> None:
    assert REPORT.to_text().splitlines() == [
        "speed: cores 2",
        "",
        "Decode",
        "engine   tok/s",
        "-------  -----",
        "ours     1,234",
        "another  0.123",
        "none         -",
        "",
        "A note.",
    ]


def test_json_keeps_every_figure_as_it_is() -> None:
    table = json.loads(REPORT.to_json())["tables"][0]
    assert table["rows"] == [["ours", 1234.5], ["another", 0.12345], ["none", None]]
