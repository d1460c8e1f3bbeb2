"""What a person who uses a keyboard or a screen reader meets in a window."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QWidget,
)

from tether_desktop.ui.chat.message_widget import MessageWidget

MOST_TABS = 300


def controls(window: QWidget) -> list[QWidget]:
    """Every visible widget that takes the keyboard or the mouse to do something."""
    return [each for each in window.findChildren(QWidget) if each.isVisibleTo(window) and _is_control(each)]


def nameless(window: QWidget) -> list[str]:
    """The controls of which a screen reader could not say what they are."""
    return [describe(each) for each in controls(window) if not spoken(each)]


def spoken(widget: QWidget) -> str:
    """What a screen reader says of a widget first."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name).strip() if interface is not None else ""


def unreached(window: QWidget) -> list[str]:
    """The controls that neither Tab nor Shift+Tab reaches, and one of them should."""
    start = QApplication.focusWidget()
    reached = set(tab_walk(window))
    if start is not None:
        start.setFocus()
    reached |= set(tab_walk(window, Qt.Key.Key_Backtab))
    wanted = [each for each in controls(window) if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isEnabled()]
    return [describe(each) for each in wanted if each not in reached and not _stands_for_another(each, reached)]


def tab_walk(window: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """The widgets that get the keyboard one after another by a key, from where it is, until they come again."""
    walked: list[QWidget] = []
    for _ in range(MOST_TABS):
        here = QApplication.focusWidget()
        if here is None or here in walked:
            break
        walked.append(here)
        QTest.keyClick(here, key)
    return walked


def unseen_focus(window: QWidget) -> list[str]:
    """The controls that look the same with the keyboard and without."""
    return [describe(each) for each in tab_walk(window) if not _shows_focus(each, window)]


def outside(window: QWidget) -> list[str]:
    """The visible widgets of which a part lies outside of their parent where nothing scrolls."""
    return [
        describe(each)
        for each in window.findChildren(QWidget)
        if each.isVisibleTo(window) and not each.isWindow() and _is_cut_off(each)
    ]


def cut_texts(window: QWidget) -> list[str]:
    """The labels and buttons with less room than their words need."""
    return list(_cut_texts(window))


def describe(widget: QWidget) -> str:
    """Which widget it is, for a person who reads a failed test."""
    way = [widget]
    while (parent := way[-1].parentWidget()) is not None and len(way) < 4:
        way.append(parent)
    place = " < ".join(type(each).__name__ + (f"#{each.objectName()}" if each.objectName() else "") for each in way)
    text = widget.text() if isinstance(widget, QAbstractButton | QLabel | QLineEdit) else ""
    return f"{place} {text!r} {widget.toolTip()!r}".strip()


def _is_control(widget: QWidget) -> bool:
    if widget.objectName().startswith("qt_") or isinstance(widget, QAbstractSlider):
        return False
    if isinstance(widget.parentWidget(), QComboBox | QLineEdit) or (
        isinstance(widget, QAbstractScrollArea) and not _takes_keys(widget)
    ):
        return False
    return isinstance(widget, QAbstractButton | QAbstractItemView | QComboBox | QLineEdit) or _takes_keys(widget)


def _takes_keys(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def _stands_for_another(widget: QWidget, reached: set[QWidget]) -> bool:
    """Whether other keys lead there from one that was reached: in an exclusive group, or from message to message."""
    if isinstance(widget, MessageWidget):
        return any(isinstance(each, MessageWidget) for each in reached)
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is not None and group.exclusive():
        return any(each in reached for each in group.buttons())
    if isinstance(widget, QAbstractButton) and widget.autoExclusive():
        parent = widget.parentWidget()
        siblings = parent.findChildren(QAbstractButton) if parent is not None else []
        return any(each in reached for each in siblings if each.autoExclusive())
    return False


def _shows_focus(widget: QWidget, window: QWidget) -> bool:
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    with_focus, itself = _picture(widget, window), widget.grab().toImage()
    widget.clearFocus()
    return with_focus != _picture(widget, window) or itself != widget.grab().toImage()


def _picture(widget: QWidget, window: QWidget) -> QImage:
    margin = 40  # a field may show its focus in the frame around it
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size()).adjusted(-margin, -margin, margin, margin)
    return window.grab(place.intersected(window.rect())).toImage()


def _is_cut_off(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    if parent is None or widget.objectName().startswith("qt_") or _scrolls(parent):
        return False
    return not parent.rect().adjusted(-1, -1, 1, 1).contains(widget.geometry())


def _scrolls(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    return isinstance(widget, QAbstractScrollArea) or isinstance(parent, QAbstractScrollArea)


def _cut_texts(window: QWidget) -> Iterator[str]:
    for each in window.findChildren(QWidget):
        if not each.isVisibleTo(window) or not isinstance(each, QLabel | QAbstractButton) or not each.text():
            continue
        if isinstance(each, QLabel) and (each.wordWrap() or each.textFormat() == Qt.TextFormat.RichText):
            continue
        if each.width() < each.minimumSizeHint().width() - 1 or each.height() < each.fontMetrics().height() - 1:
            yield describe(each)
