"""``python -m benchmarks.engine_worker SUBJECT ARGUMENTS``: answers requests, one JSON line each, until stdin ends."""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import closing
from typing import Any, Protocol

SUBJECTS = {
    "ours": "benchmarks.engine_ours:Ours",
    "load": "benchmarks.engine_ours:Loading",
    "llama": "benchmarks.engine_llama:Llama",
    "memory": "benchmarks.engine_bandwidth:MemoryReader",
    "direct": "benchmarks.engine_answers:Direct",
    "stack": "benchmarks.engine_answers:Stack",
    "logits": "benchmarks.quality_logits:OurLogits",
    "llama logits": "benchmarks.quality_llama:LlamaLogits",
}


class Subject(Protocol):
    """What is measured; its other methods are the requests."""

    def close(self) -> None:
        """Free everything."""
        ...


def main() -> None:
    """Make the subject, then call the methods that are asked for."""
    # Known to nobody else: whatever native code prints goes to stderr.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with closing(_make(sys.argv[1], json.loads(sys.argv[2]))) as subject:
        print(json.dumps({"result": None}), file=output, flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            result = getattr(subject, request.pop("do"))(**request)
            print(json.dumps({"result": result}), file=output, flush=True)


def _make(subject: str, arguments: dict[str, Any]) -> Subject:
    """The subject of that name; only what is measured is imported."""
    module, _, name = SUBJECTS[subject].partition(":")
    made: Subject = getattr(importlib.import_module(module), name)(**arguments)
    return made


if __name__ == "__main__":
    main()
