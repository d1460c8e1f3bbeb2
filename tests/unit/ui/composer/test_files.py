"""Files of a question: what is known of them, their chips, and their text."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.messages import Attachment
from tether_desktop.ui.composer.attached_files import AttachedFiles
from tether_desktop.ui.composer.file_chip import FileChip
from tether_desktop.ui.composer.file_drop import FileDrop
from tether_desktop.ui.composer.file_row import FileRow
from tether_desktop.ui.composer.file_viewer import SHOWN, FileViewer
from tether_desktop.ui.composer.file_words import file_icon
from tether_desktop.ui.composer.question import AttachedFile, stamp_of
from tether_desktop.ui.look import icons

NOTES = Attachment("notes.txt", "one two", "text/plain", 1234)


@pytest.fixture
def row(qtbot: QtBot) -> FileRow:
    made = FileRow()
    qtbot.addWidget(made)
    made.resize(400, 100)
    return made


def press(button: QWidget) -> None:
    from PySide6.QtTest import QTest

    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_file_is_named_sized_and_priced(row: FileRow) -> None:
    files = AttachedFiles()
    row.show_files(files)
    key = files.begin("notes.txt", Path("/x/notes.txt"))
    chip = row.chips[key]
    assert "Reading" in chip.accessibleName()
    files.finish(key, AttachedFile(NOTES, Path("/x/notes.txt")))
    files.count(key, 12)
    assert chip.accessibleName().startswith("notes.txt, 1.2 kB")
    assert "12" in chip.accessibleName()
    assert files.tokens == 12
    assert chip.remove_button.accessibleName() == "Remove notes.txt"


def test_what_is_taken_off_is_gone_and_the_keyboard_stays_in_the_row(qtbot: QtBot, row: FileRow) -> None:
    files = AttachedFiles()
    files.extend([AttachedFile(NOTES), AttachedFile(Attachment("b.py", "b"))])
    row.show_files(files)
    row.show()
    first, second = row.chips.values()
    press(first.remove_button)
    assert [file.attachment.name for file in files.files] == ["b.py"]
    assert row.focusWidget() is second
    with qtbot.waitSignal(row.emptied):
        press(second.remove_button)
    assert row.isHidden()


def test_a_changed_file_can_be_read_again(qtbot: QtBot, row: FileRow) -> None:
    files = AttachedFiles()
    key = files.add(AttachedFile(NOTES, Path("/x/notes.txt")))
    row.show_files(files)
    row.show()
    chip = row.chips[key]
    assert chip.again_button.isHidden()
    files.mark_changed(key)
    assert "Changed" in chip.accessibleName()
    with qtbot.waitSignal(row.read_again) as wanted:
        press(chip.again_button)
    assert wanted.args == [key]


def test_only_what_has_no_file_is_offered_as_text(row: FileRow) -> None:
    files = AttachedFiles()
    pasted = files.add(AttachedFile(NOTES))
    chosen = files.add(AttachedFile(NOTES, Path("/x/notes.txt")))
    row.show_files(files)
    assert not row.chips[pasted].text_button.isHidden()
    assert row.chips[chosen].text_button.isHidden()


def test_many_chips_take_several_rows_and_scroll_then(row: FileRow) -> None:
    files = AttachedFiles()
    row.show_files(files)
    row.show()
    heights = []
    for number in range(30):
        files.add(AttachedFile(Attachment(f"a rather long name of a file {number}.txt", "x")))
        QApplication.processEvents()
        heights.append(row.height())
    assert heights[0] < heights[5] <= heights[29]
    assert heights[29] == heights[20]


def test_a_long_name_is_elided_in_the_middle_and_said_in_full(qtbot: QtBot) -> None:
    chip = FileChip()
    qtbot.addWidget(chip)
    chip.show_file(Attachment("x" * 300 + ".pdf", "", "application/pdf", 5))
    assert chip.sizeHint().width() < 320
    assert ("x" * 300 + ".pdf") in chip.accessibleName()
    assert not chip.grab().isNull()


def test_marks_that_turn_text_around_are_spelled_out_in_names(qtbot: QtBot) -> None:
    chip = FileChip()
    qtbot.addWidget(chip)
    chip.show_file(Attachment("cod\u202efdp.exe", ""))
    assert "\u202e" not in chip.accessibleName()


@pytest.mark.parametrize("name", ["a.py", "a.csv", "a.pdf", "README", ".txt"])
def test_every_file_has_an_icon(name: str) -> None:
    assert not icons.icon(file_icon(name)).isNull()


def test_the_viewer_shows_the_text_and_gives_it_back(qtbot: QtBot) -> None:
    viewer = FileViewer(Attachment("a.txt", "hidden \u202e mark\nsecond"), 3)
    qtbot.addWidget(viewer)
    assert viewer.text.toPlainText() == "hidden \\u202e mark\nsecond"
    with qtbot.waitSignal(viewer.unfolded):
        viewer.unfold_button.click()


def test_the_viewer_says_when_it_shows_only_the_beginning(qtbot: QtBot) -> None:
    viewer = FileViewer(Attachment("a.txt", "x" * (SHOWN + 1)), None)
    qtbot.addWidget(viewer)
    assert "beginning" in viewer.facts_label.text()
    assert len(viewer.text.toPlainText().replace("\n", "")) == SHOWN


def test_a_stamp_tells_a_changed_file_and_one_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    before = stamp_of(file)
    assert before == stamp_of(file)
    file.write_text("three")
    assert stamp_of(file) != before
    file.unlink()
    assert stamp_of(file) is None


def drag(target: QWidget, data: QMimeData, kind: type[QDragEnterEvent | QDropEvent]) -> bool:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = QPoint(5, 5) if kind is QDragEnterEvent else QPointF(5, 5)
    event = kind(place, Qt.DropAction.CopyAction, data, buttons, keys)  # type: ignore[arg-type]
    event.ignore()
    QApplication.sendEvent(target, event)
    return event.isAccepted()


def urls(*paths: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(path) if "://" in path else QUrl.fromLocalFile(path) for path in paths])
    return data


def test_files_are_taken_where_they_are_dropped_and_models_and_pages_are_not(qtbot: QtBot) -> None:
    target = QWidget()
    qtbot.addWidget(target)
    drop = FileDrop(target, target)
    target.show()
    for data in (urls("/x/model.gguf"), urls("https://example.org/"), QMimeData()):
        assert not drag(target, data, QDragEnterEvent)
        assert drop.sign.isHidden()
    data = urls("/x/a.txt", "/x/b.csv")
    assert drag(target, data, QDragEnterEvent)
    assert drop.sign.isVisible()
    with qtbot.waitSignal(drop.dropped) as dropped:
        drag(target, data, QDropEvent)
    assert dropped.args == [[Path("/x/a.txt"), Path("/x/b.csv")]]
    assert drop.sign.isHidden()
