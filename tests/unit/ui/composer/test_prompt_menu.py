"""Calling up prompts at a slash, and the dialogs in which prompts and a chat's settings are changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.helpers.controls import nameless
from tether_desktop.context.records import Snippet
from tether_desktop.settings import CONVERSATION_SETTINGS, Settings
from tether_desktop.ui.composer.chat_settings_dialog import ChatSettingsDialog
from tether_desktop.ui.composer.composer import Composer
from tether_desktop.ui.composer.prompt_menu import PromptEntry, matching
from tether_desktop.ui.composer.prompts_dialog import PromptsDialog

SUM = Snippet("1", "Summarise", "Sum up {{text}}.")
SAY = Snippet("2", "Translate and summarise", "Say it.")
ENTRIES = [PromptEntry(each.name, each.text, each) for each in (SAY, SUM)]


@pytest.fixture
def composer(qtbot: QtBot) -> Iterator[Composer]:
    made = Composer()
    qtbot.addWidget(made)
    made.resize(700, 120)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.edit.setFocus()
    made.prompts_wanted.connect(lambda query: made.prompt_menu.open(ENTRIES, query))
    yield made
    made.close()


def test_what_begins_so_comes_first_and_all_words_must_be_there() -> None:
    assert [entry.prompt for entry in matching(ENTRIES, "sum")] == [SUM, SAY]
    assert [entry.prompt for entry in matching(ENTRIES, "summ TRANS")] == [SAY]
    assert matching(ENTRIES, "nothing") == []


def test_the_list_follows_what_is_typed_and_enter_takes_the_chosen_one(qtbot: QtBot, composer: Composer) -> None:
    menu = composer.prompt_menu
    qtbot.keyClicks(composer.edit, "/")
    assert menu.is_open
    assert menu.list.count() == 2
    qtbot.keyClicks(composer.edit, "su")
    qtbot.keyClick(composer.edit, Qt.Key.Key_Down)
    with qtbot.waitSignal(menu.chosen) as chosen, qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    assert chosen.args[0].prompt == SAY
    assert not menu.is_open


def test_escape_closes_the_list_until_another_slash(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "/")
    qtbot.keyClick(composer.edit, Qt.Key.Key_Escape)
    qtbot.keyClicks(composer.edit, "s")
    assert not composer.prompt_menu.is_open
    composer.edit.clear()
    qtbot.keyClicks(composer.edit, " /")
    assert composer.prompt_menu.is_open


def test_a_slash_that_names_no_prompt_is_sent_as_it_is(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "/usr")
    assert composer.prompt_menu.note_label.isVisible()
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent.args[0].text == "/usr"
    assert not composer.prompt_menu.is_open


def test_a_slash_inside_of_a_text_is_a_slash(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "either/or")
    assert "prompt_menu" not in vars(composer)


def test_the_list_goes_when_the_keyboard_goes(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(composer.edit, "/")
    composer.row.attach_button.setFocus()
    assert not composer.prompt_menu.is_open


def test_without_prompts_the_list_says_how_one_is_saved(composer: Composer) -> None:
    composer.prompt_menu.open([], "")
    assert "saved" in composer.prompt_menu.note_label.text()
    assert not composer.prompt_menu.list.isVisible()


def test_a_prompt_is_changed_under_its_id(qtbot: QtBot) -> None:
    dialog = PromptsDialog([SUM, SAY])
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.name_edit.text() == "Summarise"
    assert not dialog.save_button.isEnabled()
    dialog.text_edit.setPlainText("Shorter.")
    with qtbot.waitSignal(dialog.save_requested) as wanted:
        dialog.save_button.click()
    assert wanted.args == [Snippet("1", "Summarise", "Shorter.")]
    dialog.list.setCurrentRow(1)
    with qtbot.waitSignal(dialog.delete_requested) as gone:
        dialog.delete_button.click()
    assert gone.args == ["2"]
    assert nameless(dialog) == []
    dialog.close()


def test_a_new_prompt_needs_a_name_and_words(qtbot: QtBot) -> None:
    dialog = PromptsDialog([])
    qtbot.addWidget(dialog)
    dialog.name_edit.setText("Name")
    assert not dialog.save_button.isEnabled()
    dialog.text_edit.setPlainText("Words")
    assert dialog.save_button.isEnabled()
    assert dialog.delete_button.isHidden()


@pytest.fixture
def chat_settings(qtbot: QtBot) -> ChatSettingsDialog:
    dialog = ChatSettingsDialog(Settings(), {"temperature": 0.2})
    qtbot.addWidget(dialog)
    return dialog


def test_every_setting_of_a_chat_has_a_field(chat_settings: ChatSettingsDialog) -> None:
    assert tuple(chat_settings.fields) == CONVERSATION_SETTINGS
    assert chat_settings.overrides == {"temperature": 0.2}
    assert nameless(chat_settings) == []


def test_a_value_that_cannot_be_used_is_explained_beside_its_field(chat_settings: ChatSettingsDialog) -> None:
    field = chat_settings.fields["top_p"]
    for wrong in ("many", "2", "", "nan"):
        field.editor.setText(wrong)
        field.take()
        assert "0" in field.problem_label.text(), wrong
        assert not field.problem_label.isHidden()
    assert chat_settings.overrides == {"temperature": 0.2}
    field.editor.setText("0.5")
    field.take()
    assert field.problem_label.isHidden()
    assert chat_settings.overrides == {"temperature": 0.2, "top_p": 0.5}


def test_the_settings_value_can_be_taken_again(qtbot: QtBot, chat_settings: ChatSettingsDialog) -> None:
    field = chat_settings.fields["temperature"]
    with qtbot.waitSignal(chat_settings.changed) as changed:
        field.reset_button.click()
    assert changed.args == [{}]
    assert field.editor.text() == "0.7"
    assert not chat_settings.reset_button.isEnabled()


def test_a_system_prompt_is_taken_when_one_leaves_its_field(qtbot: QtBot, chat_settings: ChatSettingsDialog) -> None:
    with qtbot.waitActive(chat_settings):
        chat_settings.show()
        chat_settings.activateWindow()
    field = chat_settings.fields["system_prompt"]
    field.editor.setFocus()
    field.editor.setPlainText("You are a pirate.")
    chat_settings.name_edit.setFocus()
    QApplication.processEvents()
    assert chat_settings.overrides["system_prompt"] == "You are a pirate."
    chat_settings.close()
