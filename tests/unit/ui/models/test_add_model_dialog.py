"""The sheet that adds models: what it asks, how it tells how far it is, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel
from pytestqt.qtbot import QtBot

from tests.helpers.installations import BEGUN, CHECKED, DONE, DOWNLOADING, FAILED, MAPPINGS, OFFERS, PACKING, SMALL
from tether_desktop.errors import InstallError
from tether_desktop.ui.models.add_model_dialog import STOPPED, AddModelDialog
from tether_desktop.ui.models.installation import Installation, Installed
from tether_desktop.ui.models.mapping_details import summary


@pytest.fixture
def dialog(qtbot: QtBot) -> AddModelDialog:
    dialog = AddModelDialog()
    qtbot.addWidget(dialog)
    dialog.show_offers(OFFERS)
    dialog.show()
    return dialog


def buttons(dialog: AddModelDialog) -> list[str]:
    row = (dialog.back_button, dialog.close_button, dialog.go_button)
    return [button.text() for button in row if button.isVisible()]


def texts(dialog: AddModelDialog) -> list[str]:
    return [label.text() for label in dialog.page.findChildren(QLabel) if label.isVisible()]


def test_it_asks_first_and_adds_only_what_is_named(qtbot: QtBot, dialog: AddModelDialog) -> None:
    assert dialog.form.isVisible()
    assert not dialog.page.isVisible()
    assert buttons(dialog) == ["Close", "Add"]
    assert not dialog.go_button.isEnabled()
    qtbot.keyClicks(dialog.form.field, "hf:acme/Other")
    assert dialog.go_button.isEnabled()
    with qtbot.waitSignal(dialog.add_requested) as asked:
        qtbot.keyClick(dialog.form.field, Qt.Key.Key_Return)
    assert asked.args == [Installation("hf:acme/Other", "Other")]


def test_enter_adds_the_offer_that_is_chosen_once(qtbot: QtBot, dialog: AddModelDialog) -> None:
    asked: list[Installation] = []
    dialog.add_requested.connect(asked.append)
    dialog.form.list.setFocus()
    qtbot.keyClick(dialog.form.list, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.form.list, Qt.Key.Key_Return)
    assert asked == [BEGUN]


def test_while_it_goes_on_stage_detail_percentage_and_forecast_are_shown(dialog: AddModelDialog) -> None:
    dialog.show_installation(DOWNLOADING)
    assert not dialog.form.isVisible()
    assert texts(dialog) == ["Adding Small 1B", "Step 1 of 5: Downloading", "42 %", "268 of 639 MB, 12.4 MB/s"]
    assert not dialog.page.pill.isVisible()
    dialog.show_installation(PACKING)
    assert texts(dialog)[1:3] == ["Step 3 of 5: Packing the weights", "10 %"]
    assert "639 MB of weights · 1.1 GB of memory for 4,096 tokens" in texts(dialog)
    assert dialog.page.pill.isVisible()
    assert dialog.page.pill.fit == "tight"


def test_it_can_be_cancelled_and_says_that_what_was_downloaded_is_kept(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.show_installation(DOWNLOADING)
    assert buttons(dialog) == ["Cancel", "Go on in the background"]
    with qtbot.waitSignal(dialog.cancel_requested):
        qtbot.mouseClick(dialog.back_button, Qt.MouseButton.LeftButton)
    dialog.show_installation(None)
    assert dialog.form.isVisible()
    assert dialog.note.text() == STOPPED


def test_stopping_what_was_not_downloaded_promises_nothing(dialog: AddModelDialog) -> None:
    dialog.show_installation(BEGUN)
    dialog.show_installation(None)
    assert dialog.note.text() == ""


def test_it_closes_and_lets_the_installation_go_on(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.show_installation(DOWNLOADING)
    with qtbot.assertNotEmitted(dialog.cancel_requested):
        qtbot.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert not dialog.isVisible()


def test_an_error_says_what_happened_what_to_do_and_offers_another_try(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.show_installation(DOWNLOADING)
    dialog.show_installation(FAILED)
    assert texts(dialog) == [
        "Small 1B was not added",
        "The model cannot be downloaded",
        "There is no network.\nConnect first.",
    ]
    assert buttons(dialog) == ["Add another…", "Close", "Try again"]
    with qtbot.waitSignal(dialog.try_again_requested):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    with qtbot.waitSignal(dialog.another_requested):
        qtbot.mouseClick(dialog.back_button, Qt.MouseButton.LeftButton)
    dialog.show_installation(DOWNLOADING)
    assert not dialog.page.view.error_frame.isVisible()


def test_at_the_end_the_details_say_what_became_of_the_weights(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.show_installation(PACKING)
    dialog.show_installation(DONE)
    assert texts(dialog)[1:] == [
        "Small 1B is ready",
        "Weights differ from those of the source by at most 0.42 % (relative RMS).",
    ]
    height = dialog.height()
    qtbot.mouseClick(dialog.page.details.button, Qt.MouseButton.LeftButton)
    cells = texts(dialog)[3:]
    assert cells[4:] == ["embedding", "Q8_0", "q8_0", "exact", "query, key, value", "Q4_K, Q6_K", "q8_0", "0.42 %"]
    qtbot.waitUntil(lambda: dialog.height() > height)
    assert buttons(dialog) == ["Add another…", "Done"]
    qtbot.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_nothing_lost_is_said_as_well() -> None:
    assert summary(MAPPINGS[:1]) == "All weights were taken over exactly."
    assert summary(()) == "Its weights were packed before and are as they were."


def test_a_model_that_was_only_compiled_has_no_details(dialog: AddModelDialog) -> None:
    prepared = Installation("Small", "Small", prepares=True)
    dialog.show_installation(prepared)
    assert texts(dialog)[0] == "Preparing Small"
    dialog.show_installation(prepared.done(Installed("Small")))
    assert not dialog.page.details.button.isVisible()


def test_its_pages_take_the_room_they_need(qtbot: QtBot, dialog: AddModelDialog) -> None:
    asking = dialog.height()
    assert asking <= dialog.screen().availableSize().height()
    dialog.show_installation(DOWNLOADING)
    qtbot.waitUntil(lambda: dialog.height() < asking)
    working = dialog.height()
    dialog.show_installation(replace(DOWNLOADING, checked=CHECKED))
    qtbot.waitUntil(lambda: dialog.height() > working)
    dialog.show_installation(None)
    assert dialog.height() == asking


def test_a_long_explanation_is_shown_whole(qtbot: QtBot, dialog: AddModelDialog) -> None:
    dialog.show_installation(DOWNLOADING)
    dialog.show_installation(
        DOWNLOADING.failed(InstallError("No", "Nobody answers. " * 20, "Ask somebody else. " * 20))
    )
    label = dialog.page.view.error_text
    qtbot.waitUntil(lambda: label.height() >= label.heightForWidth(label.width()) > 80)


def test_what_a_file_is_called_is_shown_and_not_interpreted(dialog: AddModelDialog) -> None:
    dialog.show_installation(replace(FAILED, title="<h1>Big</h1>"))
    assert dialog.page.title.text() == "<h1>Big</h1> was not added"
    assert dialog.page.title.textFormat() is Qt.TextFormat.PlainText
    assert SMALL.title not in dialog.page.title.text()
