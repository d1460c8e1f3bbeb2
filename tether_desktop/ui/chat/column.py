"""Where the messages of a long conversation lie: heights, tops, and which one is at a position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


class Column:
    """Boxes one below the other; a change costs only the boxes below it, and only when asked for.

    Args:
        gap: between two boxes.
        margin: above the first and below the last. All lengths are in device-independent pixels.
    """

    def __init__(self, gap: int, margin: int) -> None:
        self._gap = gap
        self._margin = margin
        self._heights: list[int] = []
        self._tops: list[int] = []

    def set_gap(self, gap: int) -> None:
        """Have another gap between boxes."""
        self._gap = gap
        self._tops = []

    def __len__(self) -> int:
        return len(self._heights)

    def reset(self, heights: Iterable[int]) -> None:
        """Forget all boxes and take these."""
        self._heights = list(heights)
        self._tops = []

    def append(self, height: int) -> None:
        """Add a box at the bottom."""
        self._heights.append(height)

    def height(self, index: int) -> int:
        """The height of a box."""
        return self._heights[index]

    def set_height(self, index: int, height: int) -> bool:
        """Change a height; returns whether it was another."""
        if self._heights[index] == height:
            return False
        self._heights[index] = height
        del self._tops[index + 1 :]
        return True

    def top(self, index: int) -> int:
        """The position of a box's upper edge."""
        self._measure()
        return self._tops[index]

    def total(self) -> int:
        """The height of everything, margins included."""
        if not self._heights:
            return 2 * self._margin
        return self.top(len(self._heights) - 1) + self._heights[-1] + self._margin

    def at(self, position: int) -> int:
        """The index of the box at a position, or of the nearest one above; 0 when there is none."""
        self._measure()
        return max(0, bisect_right(self._tops, position) - 1)

    def _measure(self) -> None:
        known = len(self._tops)
        if known == len(self._heights):
            return
        start = self._tops[-1] + self._heights[known - 1] + self._gap if known else self._margin
        steps = (height + self._gap for height in self._heights[known:-1])
        self._tops.extend(accumulate(steps, initial=start))
