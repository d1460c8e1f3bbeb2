"""Moving the keyboard through widgets in an order of our own, and out again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget


def stops_inside(root: QWidget) -> list[QWidget]:
    """The widgets inside ``root`` that Tab may stop at, from top to bottom and left to right."""
    stops = [child for child in root.findChildren(QWidget) if child.isVisibleTo(root) and _accepts_tab(child)]
    return sorted(stops, key=lambda child: _position(child, root))


def step_focus(chain: Sequence[QWidget], root: QWidget, *, forward: bool) -> bool:
    """Give the keyboard to the next stop of the chain, or past either end to what lies outside ``root``."""
    focus = QApplication.focusWidget()
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    index = chain.index(focus) if focus in chain else (-1 if forward else len(chain))
    index += 1 if forward else -1
    target = chain[index] if 0 <= index < len(chain) else _outside(root, forward=forward)
    if target is None:
        return False
    target.window().setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)  # as Qt does in its own order
    target.setFocus(reason)
    return True


def _outside(root: QWidget, *, forward: bool) -> QWidget | None:
    """The nearest stop of the window that is not inside ``root``; None when there is none."""
    found = _neighbour(root, forward=forward)
    while found is not None and found is not root:
        if not root.isAncestorOf(found) and found.isVisible() and _accepts_tab(found):
            return found
        found = _neighbour(found, forward=forward)
    return None


def _neighbour(widget: QWidget, *, forward: bool) -> QWidget | None:
    return widget.nextInFocusChain() if forward else widget.previousInFocusChain()


def _accepts_tab(widget: QWidget) -> bool:
    policy = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return widget.isEnabled() and policy == Qt.FocusPolicy.TabFocus and widget.focusProxy() is None


def _position(child: QWidget, root: QWidget) -> tuple[int, int]:
    point = child.mapTo(root, QPoint(0, 0))
    return point.y(), point.x()
