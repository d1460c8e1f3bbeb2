"""The small word that says whether a model fits: the same words everywhere, readable in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pytestqt.qtbot import QtBot

from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.model.discovery import catalog
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.offers import load_offers
from tether_desktop.model.pool.memory_fit import VERDICT_TITLES, Memory, Verdict
from tether_desktop.ui.look import theme
from tether_desktop.ui.models import model_fits
from tether_desktop.ui.models.fit_pill import FitPill, explanation, fit_title

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@pytest.mark.parametrize("fit", VERDICTS)
def test_the_window_and_the_terminal_say_the_same(fit: Verdict) -> None:
    assert fit_title(fit) == VERDICT_TITLES[fit]
    assert explanation(fit)


@pytest.mark.parametrize("choice", ["light", "dark"])
@pytest.mark.parametrize("fit", VERDICTS)
def test_it_is_painted_as_wide_as_its_word_and_stands_out(
    qtbot: QtBot, look: theme.Appearance, fit: Verdict, choice: theme.ThemeChoice
) -> None:
    look.choose(choice)
    pill = FitPill()
    qtbot.addWidget(pill)
    pill.show_fit(fit)
    pill.resize(pill.sizeHint())
    assert pill.accessibleName() == f"Memory: {fit_title(fit)}"
    picture = pill.grab().toImage()
    rows, columns = range(4, picture.height() - 4), range(8, picture.width() - 8)
    inside = [picture.pixelColor(x, y).lightness() for x in columns for y in rows]
    assert max(inside) - min(inside) > 90


def test_nothing_is_shown_while_nothing_is_known(qtbot: QtBot) -> None:
    pill = FitPill()
    qtbot.addWidget(pill)
    pill.show_fit("fits")
    pill.show_fit("")
    assert pill.isHidden()
    assert pill.accessibleName() == ""


def test_models_are_judged_by_the_memory_that_is_free_and_others_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "supported_isas", lambda: ("avx2",))
    write_packed_model(tmp_path, "Tiny")
    write_library(tmp_path)
    write_scripted_model(tmp_path, "Scripted")
    (tmp_path / "Broken").mkdir()
    (tmp_path / "Broken/mlc-chat-config.json").write_text("{}")
    entries = Catalog([tmp_path]).list()
    monkeypatch.setattr(model_fits, "memory_now", lambda: Memory(10_000_000_000))
    assert model_fits.fits_of(entries, 0) == {"Tiny": "fits"}
    monkeypatch.setattr(model_fits, "memory_now", lambda: Memory(1_000_000))
    assert model_fits.fits_of(entries, 2048) == {"Tiny": "will_not_fit"}


def test_offers_are_judged_by_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = max(offer.memory_bytes for offer in load_offers())
    monkeypatch.setattr(model_fits, "memory_now", lambda: Memory(largest))
    rated = model_fits.rated_offers()
    assert [one.offer for one in rated] == list(load_offers())
    assert {one.fit for one in rated} == {"fits", "tight"}
