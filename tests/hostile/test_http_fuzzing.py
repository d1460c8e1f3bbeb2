"""Whatever is asked of the port, by its own description or against it: it answers as the description says."""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.helpers.api import open_port
from tests.helpers.rooms import open_rooms
from tests.helpers.tools import tool_named
from tether_desktop.protocol.api.app import make_routes


def described_with_token() -> dict[str, Any]:
    """The description without its tokens: the right one goes with every request."""
    document = copy.deepcopy(make_routes().openapi())
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return document


SCHEMA = schemathesis.openapi.from_dict(described_with_token())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
FEW = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Port:
    """An open port, from a thread of its own."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = {"Authorization": f"Bearer {token}"}

    def names(self) -> dict[str, str]:
        """A conversation with an answer: what its paths are filled with."""
        reply = self.session.post(f"{self.url}/generations", json={"prompt": "Well?"}, headers=self.headers).json()
        return {"session_id": reply["session_id"], "message_id": reply["reply_id"], "model_name": "Scripted"}

    def check(self, case: Any, checks: list[Any]) -> None:
        response = case.call(base_url=self.url, session=self.session, headers=self.headers, timeout=20)
        assert response.status_code != requests.codes.unauthorized
        # How long an address may be is no matter of its parameters.
        too_long = response.status_code == requests.codes.request_uri_too_large
        case.validate_response(response, checks=CHECKS if too_long else checks)


def fuzz(operation: Any, port: Port) -> None:
    """Ask as the description says, with names that are there and with others, and then against it."""

    @FEW
    @given(case=operation.as_strategy(GenerationMode.POSITIVE), known=st.booleans())
    def as_described(case: Any, known: bool) -> None:
        if known:
            names = port.names()
            case.path_parameters = {name: names.get(name, each) for name, each in (case.path_parameters or {}).items()}
            if isinstance(case.body, dict):
                case.body = {name: names.get(name, each) for name, each in case.body.items()}
        port.check(case, CHECKS)

    as_described()
    if not operation.body and not list(operation.iter_parameters()):
        return

    @FEW
    @given(case=operation.as_strategy(GenerationMode.NEGATIVE))
    def against(case: Any) -> None:
        port.check(case, [*CHECKS, negative_data_rejection])

    # Some have a name in their path that may be anything.
    with suppress(Unsatisfiable):
        against()


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
async def test_answers_as_described(operation: Any, tmp_path: Path) -> None:
    tools = [tool_named("double", lambda number: str(2 * number), number=int)]
    async with open_rooms(tmp_path, replies=["Well."], tools=tools) as rooms, open_port(rooms) as api:
        port = Port(api.url, api.token)
        with port.session:
            await asyncio.to_thread(fuzz, operation, port)
