"""A double of MLC-LLM's official engine: it stands in for ``mlc_llm``, which cannot be installed here.

It is no language model and computes nothing on a graphics card. What it reproduces is how the real
``AsyncMLCEngine`` behaves towards a program that uses it, as observed on a build of version 0.20 and as its
sources say:

- Loading: ``FileNotFoundError`` for a missing folder or library; ``ValueError`` for an unknown device and for KV
  pages that are not of 16 tokens; a device given as text is looked for, and a missing library compiled, in child
  processes (both are noted in :data:`tests.helpers.mlc_double.engine.CHILDREN`, none is started).
- Its engine thread is no daemon and keeps the process alive until ``terminate``, which is idempotent.
- ``completions.create(stream=True)`` streams one token per response, but none whose text is empty, and drops its
  probabilities with it; the usage comes last, with no choices, and only under ``include_usage``.
- Cancelling the task that reads ends a request; ``abort`` leaves its reader waiting for ever.
- A dead engine thread says nothing: whoever waits for it waits for ever. An empty stop text, a bias of a token that
  does not exist, or a folder that says so (``"double": {"dies_after": tokens}``) kill it.
- A prompt is not begun, and says nothing, unless its tokens and eight more fit into the KV cache.
- ``BadRequestError`` for an empty and for a too long prompt; ``ValidationError`` for penalties beyond 2, a bias
  beyond 100 and more than 5 alternatives; ``InternalError`` for a temperature below 0.
- Stop texts drop the whole token in which they begin; the stop tokens are those of the folder's template alone.
- Probabilities are those after bias, penalties and temperature; of a token's text only visible ASCII is told.
- A schema in the response format is compiled in the engine's thread, which dies of one that cannot be.
- Special tokens other than those that end a reply are written out as text.
- Text never breaks a character in two; what begins like the last prompt and its reply is read from the cache.
- The text comes from a machine that follows pairs of tokens, those of the prompt first: see ``machine.py``.

Beside it, ``site`` holds packages called ``mlc_llm`` and ``tvm`` with what of them is used: to put on the path of a
child process, never on that of the tests, whose ``tvm`` is the real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

SITE = Path(__file__).parent / "site"
"""To put on PYTHONPATH."""

_NAMES = ("mlc_llm", "mlc_llm.serve.config", "tvm")


@contextmanager
def installed() -> Iterator[None]:
    """Have imports in this process find the double; whoever has the real ``tvm`` keeps it."""
    real = _taken_out()
    sys.path.insert(0, str(SITE))
    try:
        for name in _NAMES:
            importlib.import_module(name)
        yield
    finally:
        sys.path.remove(str(SITE))
        _taken_out()
        sys.modules.update(real)


def _taken_out() -> dict[str, ModuleType]:
    """The modules that the double has stand-ins for, which are no longer imported then."""
    names = [name for name in sys.modules if name.split(".")[0] in {"tvm", "mlc_llm"}]
    return {name: sys.modules.pop(name) for name in names}
