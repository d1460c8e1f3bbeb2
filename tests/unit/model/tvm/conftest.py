"""A random model that can be talked to, compiled once."""

from __future__ import annotations

import pytest

from tests.helpers.random_chat_model import make_chat_model
from tests.helpers.random_decoder import RandomDecoder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RandomDecoder:
    """The smallest model, with a tokenizer; nobody may change it."""
    return make_chat_model(tmp_path_factory.mktemp("tiny"))
