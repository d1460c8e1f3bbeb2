"""The form that asks which model to add: by keyboard, mouse, clipboard and drop, and under which terms."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from tests.helpers.installations import OFFERS, SMALL, STRICT
from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.models.model_fits import RatedOffer
from tether_desktop.ui.models.model_source_form import ModelSourceForm


@pytest.fixture
def form(qtbot: QtBot) -> ModelSourceForm:
    form = ModelSourceForm()
    qtbot.addWidget(form)
    form.show_offers(OFFERS)
    form.show()
    return form


def choose(form: ModelSourceForm, row: int) -> None:
    form.list.setCurrentIndex(form.list.model().index(row, 0))


def test_nothing_is_wanted_at_first(form: ModelSourceForm) -> None:
    assert form.wanted is None
    form.set_text("   ")
    assert form.wanted is None


def test_what_is_typed_is_wanted(qtbot: QtBot, form: ModelSourceForm) -> None:
    qtbot.keyClicks(form.field, " hf:acme/Other-GGUF ")
    assert form.wanted == Installation("hf:acme/Other-GGUF", "Other-GGUF")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"/models/a b.gguf"', "/models/a b.gguf"),
        ("'/models/a.gguf'", "/models/a.gguf"),
        (
            QUrl.fromLocalFile("/models/a b.gguf").toString(QUrl.ComponentFormattingOption.FullyEncoded),
            "/models/a b.gguf",
        ),
        ('"', '"'),
    ],
)
def test_paths_are_taken_as_file_managers_copy_them(form: ModelSourceForm, text: str, what: str) -> None:
    form.set_text(text)
    assert form.wanted is not None
    assert form.wanted.what == what


def test_an_offer_is_chosen_by_keyboard_and_typing_takes_it_back(qtbot: QtBot, form: ModelSourceForm) -> None:
    form.list.setFocus()
    qtbot.keyClick(form.list, Qt.Key.Key_Down)
    assert form.wanted == Installation(SMALL.id, SMALL.title)
    qtbot.keyClicks(form.field, "x")
    assert form.list.offer is None
    assert form.wanted == Installation("x", "x")
    choose(form, 0)
    assert form.field.text() == ""
    assert form.wanted == Installation(SMALL.id, SMALL.title)


def test_an_offer_is_added_by_clicking_it_twice(qtbot: QtBot, form: ModelSourceForm) -> None:
    place = form.list.visualRect(form.list.model().index(0, 0)).center()
    qtbot.mouseClick(form.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(form.add_requested):
        qtbot.mouseDClick(form.list.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_terms_are_accepted_before_anything_is_fetched(
    qtbot: QtBot, form: ModelSourceForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    choose(form, 1)
    assert form.terms.isVisible()
    assert "Strict 9B" in form.terms.label.text()
    assert form.wanted is None
    qtbot.mouseClick(form.terms.read_button, Qt.MouseButton.LeftButton)
    assert opened == [STRICT.licence_url]
    with qtbot.waitSignal(form.changed):
        form.terms.box.click()
    assert form.wanted == Installation(STRICT.id, STRICT.title)


def test_terms_have_to_be_accepted_for_each_model_anew(form: ModelSourceForm) -> None:
    choose(form, 1)
    form.terms.box.click()
    choose(form, 0)
    assert not form.terms.box.isVisible()
    assert form.wanted is not None
    choose(form, 1)
    assert not form.terms.box.isChecked()
    assert form.wanted is None


@pytest.mark.parametrize(
    "text",
    [
        "Strict-9B",
        STRICT.source,
        "hf:acme/strict-9b-gguf:Q8_0",
        "https://huggingface.co/acme/Strict-9B-GGUF/tree/main",
    ],
)
def test_terms_are_found_however_their_model_is_named(form: ModelSourceForm, text: str) -> None:
    form.set_text(text)
    assert form.terms.isVisible()
    assert form.wanted is None
    form.terms.box.click()
    assert form.wanted == Installation(text, STRICT.title)


def test_a_file_of_ones_own_has_no_terms_to_accept(form: ModelSourceForm) -> None:
    form.set_text("/models/acme/Strict-9B-GGUF/strict.gguf")
    assert not form.terms.box.isVisible()
    assert form.wanted is not None


def test_the_chosen_offer_stays_when_the_catalogue_is_rated_anew(form: ModelSourceForm) -> None:
    choose(form, 0)
    form.show_offers([RatedOffer(STRICT, "fits"), RatedOffer(SMALL, "tight")])
    assert form.list.offer == SMALL
    assert form.wanted == Installation(SMALL.id, SMALL.title)
    choose(form, 0)
    assert form.wanted is None, "the signals of the new rows are heard"


@pytest.mark.parametrize(
    ("button", "mode"),
    [("file_button", QFileDialog.FileMode.ExistingFile), ("folder_button", QFileDialog.FileMode.Directory)],
)
def test_files_and_folders_are_chosen_in_a_dialog(
    qtbot: QtBot, form: ModelSourceForm, tmp_path: Path, button: str, mode: QFileDialog.FileMode
) -> None:
    qtbot.mouseClick(getattr(form, button), Qt.MouseButton.LeftButton)
    dialog = form.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert dialog.fileMode() == mode
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    assert form.wanted is not None
    assert form.wanted.what == str(tmp_path)


def test_a_model_file_can_be_dropped_onto_it(form: ModelSourceForm, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "Dropped.gguf"))])
    button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(1, 1).toPoint(), Qt.DropAction.CopyAction, data, button, none)
    QApplication.sendEvent(form, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(form, QDropEvent(QPointF(1, 1), Qt.DropAction.CopyAction, data, button, none))
    assert form.wanted is not None
    assert form.wanted.title == "Dropped"


def test_a_screen_reader_hears_all_of_an_offer(form: ModelSourceForm) -> None:
    said = form.list.model().index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert (
        said == "Strict 9B, will not fit. 5.2 GB to download · 1.0 GB of memory · Strict terms. Good for small things."
    )
    assert form.field.accessibleName().startswith("A file, a folder, a link")
