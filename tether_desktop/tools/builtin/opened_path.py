"""Where an opened file really lies, on systems that cannot open files step by step."""

from __future__ import annotations

import sys

_LONGEST = 32_768
_PREFIX = "\\\\?\\"

if sys.platform == "win32":
    import ctypes
    import msvcrt

    def of(descriptor: int) -> str | None:
        """The path of an opened file without any link in it; None where the system does not tell."""
        text = ctypes.create_unicode_buffer(_LONGEST)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        length = ctypes.windll.kernel32.GetFinalPathNameByHandleW(handle, text, _LONGEST, 0)
        return text.value.removeprefix(_PREFIX) if 0 < length < _LONGEST else None

else:

    def of(descriptor: int) -> str | None:  # noqa: ARG001  (Windows alone needs it)
        """Not told; every other system opens files step by step."""
        return None
