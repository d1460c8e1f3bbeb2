"""The steps of empty space, in device-independent pixels: layouts set nothing apart by any other distance."""

from __future__ import annotations

HAIR = 2
TIGHT = 4
NEAR = 6
SMALL = 8
MEDIUM = 12
LARGE = 16
WIDE = 20
BROAD = 24
VAST = 32
