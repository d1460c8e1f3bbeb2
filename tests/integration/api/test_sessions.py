"""Conversations over HTTP: every route with the shapes that clients count on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.helpers.api import OpenApi
from tests.helpers.turn_lines import read_turn, stored

UNKNOWN = "0" * 32


async def begun(api: OpenApi, **fields: Any) -> str:
    return str((await api.client.post("/sessions", json=fields)).raise_for_status().json()["session_id"])


async def asked(api: OpenApi, prompt: str = "Well?", **fields: Any) -> dict[str, Any]:
    response = await api.client.post("/generations", json={"prompt": prompt, **fields})
    answer: dict[str, Any] = response.raise_for_status().json()
    return answer


async def titles(api: OpenApi, query: str = "") -> list[str]:
    return [session["title"] for session in (await api.client.get(f"/sessions{query}")).json()]


async def test_a_conversation_begins_without_a_body(api: OpenApi) -> None:
    session = (await api.client.post("/sessions")).json()
    assert session["session_id"]
    assert session["created_at"].endswith("+00:00")
    assert (await api.client.get(f"/sessions/{session['session_id']}")).json() == session


async def test_the_list_has_the_last_active_first_and_pinned_ones_apart(api: OpenApi) -> None:
    ids = [await begun(api, title=title) for title in ("first", "second", "third")]
    assert await titles(api) == ["third", "second", "first"]
    pinned = (await api.client.patch(f"/sessions/{ids[0]}", json={"pinned": True})).json()
    assert pinned["pinned"]
    assert await titles(api, "?pinned=true") == ["first"]
    assert await titles(api, "?pinned=false") == ["third", "second"]


async def test_a_list_leads_from_page_to_page_and_misses_none(api: OpenApi) -> None:
    for number in range(5):
        await begun(api, title=str(number))
    seen, address = [], "/sessions?limit=2&deleted=false"
    while address:
        page = await api.client.get(address)
        seen.append([session["title"] for session in page.json()])
        found = re.fullmatch(r'<(.*)>; rel="next"', page.headers.get("link", ""))
        address = found[1] if found else ""
    assert seen == [["4", "3"], ["2", "1"], ["0"]]


async def test_a_title_and_a_pin_change_apart_from_each_other(api: OpenApi) -> None:
    session_id = await begun(api, title="Old")
    renamed = (await api.client.patch(f"/sessions/{session_id}", json={"title": "New"})).json()
    assert (renamed["title"], renamed["pinned"]) == ("New", False)
    pinned = (await api.client.patch(f"/sessions/{session_id}", json={"pinned": True})).json()
    assert (pinned["title"], pinned["pinned"]) == ("New", True)


async def test_deleting_can_be_undone(api: OpenApi) -> None:
    session_id = await begun(api, title="Kept")
    assert "detail" in (await api.client.delete(f"/sessions/{session_id}")).json()
    assert await titles(api) == []
    assert await titles(api, "?deleted=true") == ["Kept"]
    await api.client.post(f"/sessions/{session_id}/restore")
    assert await titles(api) == ["Kept"]


async def test_erasing_leaves_nothing_to_restore(api: OpenApi) -> None:
    session_id = (await asked(api))["session_id"]
    assert (await api.client.delete(f"/sessions/{session_id}?erase=true")).is_success
    assert (await api.client.post(f"/sessions/{session_id}/restore")).status_code == 404
    assert await titles(api, "?deleted=true") == []


async def test_deleting_all_leaves_no_message_to_be_found(api: OpenApi) -> None:
    for _ in range(3):
        await asked(api)
    answer = (await api.client.delete("/sessions")).json()
    assert answer["deleted"] == 3
    assert await titles(api) == []
    assert (await api.client.get("/sessions/search?q=hello")).json() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("DELETE", "?erase=true"),
        ("GET", "/messages"),
        ("GET", "/messages/x/versions"),
        ("POST", "/messages/x/select"),
        ("POST", "/branch"),
        ("POST", "/restore"),
        ("GET", "/export"),
        ("GET", "/export?format=markdown"),
        ("GET", "/events"),
        ("GET", "/approvals"),
    ],
)
async def test_an_unknown_conversation_is_404_with_a_remedy(api: OpenApi, method: str, path: str) -> None:
    body = {"json": {"title": "x"}} if method == "PATCH" else {}
    response = await api.client.request(method, f"/sessions/{UNKNOWN}{path}", **body)
    assert response.status_code == 404
    assert response.json()["code"] in {"session_not_found", "message_not_found"}
    assert response.json()["title"]


async def test_messages_of_an_empty_conversation_are_an_empty_list(api: OpenApi) -> None:
    assert await stored(api.client, await begun(api)) == []


async def test_messages_have_the_fields_of_old_and_all_parts(api: OpenApi) -> None:
    session_id = (await asked(api))["session_id"]
    question, reply = await stored(api.client, session_id)
    assert (question["role"], question["content"]) == ("user", "Well?")
    assert (reply["role"], reply["content"]) == ("assistant", "Hello there.")
    assert reply["parts"] == [{"type": "text", "text": "Hello there."}]
    assert question["created_at"] < reply["created_at"]


async def test_older_messages_come_page_by_page(api: OpenApi) -> None:
    session_id = (await asked(api, "One?"))["session_id"]
    await asked(api, "Two?", session_id=session_id)
    page = await api.client.get(f"/sessions/{session_id}/messages?limit=3")
    assert [message["content"] for message in page.json()] == ["Hello there.", "Two?", "Hello there."]
    before = re.fullmatch(r'<(.*)>; rel="next"', page.headers["link"])
    assert before
    rest = await api.client.get(before[1])
    assert [message["content"] for message in rest.json()] == ["One?"]
    assert "link" not in rest.headers


async def test_another_version_can_be_made_seen_and_chosen(api: OpenApi) -> None:
    first = await asked(api)
    session_id = first["session_id"]
    second = await asked(api, session_id=session_id, prompt=None, regenerate=first["reply_id"])
    versions = (await api.client.get(f"/sessions/{session_id}/messages/{first['reply_id']}/versions")).json()
    assert [version["id"] for version in versions] == [first["reply_id"], second["reply_id"]]
    shown = (await api.client.post(f"/sessions/{session_id}/messages/{first['reply_id']}/select")).json()
    assert [message["id"] for message in shown] == [first["question_id"], first["reply_id"]]


async def test_a_question_can_be_put_in_the_place_of_another(api: OpenApi) -> None:
    first = await asked(api)
    second = await asked(api, "Or?", session_id=first["session_id"], replace=first["question_id"])
    assert [message["content"] for message in second["messages"]] == ["Or?", "Hello there."]
    assert second["messages"][0]["versions"] == 2


async def test_a_branch_goes_on_elsewhere(api: OpenApi) -> None:
    first = await asked(api)
    path = f"/sessions/{first['session_id']}/branch"
    whole = (await api.client.post(path)).json()
    part = (await api.client.post(path, json={"message_id": first["question_id"]})).json()
    assert [message["content"] for message in await stored(api.client, whole["session_id"])] == [
        "Well?",
        "Hello there.",
    ]
    assert [message["content"] for message in await stored(api.client, part["session_id"])] == ["Well?"]


async def test_a_search_tells_where_the_words_stand_in_pages(api: OpenApi) -> None:
    await asked(api, "Where is the blue house?")
    await asked(api, "Which blue?")
    page = await api.client.get("/sessions/search", params={"q": "blue", "limit": 1})
    (hit,) = page.json()
    start, end = hit["marks"][0]
    assert hit["excerpt"][start:end] == "blue"
    assert 'rel="next"' in page.headers["link"]


async def test_search_is_no_conversation(api: OpenApi) -> None:
    assert (await api.client.get("/sessions/search")).status_code == 422
    assert (await api.client.get("/sessions/search?q=")).json() == []


async def test_a_token_that_may_chat_erases_nothing_and_deletes_not_all(api: OpenApi) -> None:
    session_id = await begun(api)
    async with api.with_scope("chat") as client:
        assert (await client.delete(f"/sessions/{session_id}?erase=true")).status_code == 403
        assert (await client.delete("/sessions")).status_code == 403
        assert (await client.get(f"/sessions/{session_id}")).is_success
        assert (await client.delete(f"/sessions/{session_id}")).is_success


async def test_text_that_is_half_a_character_is_sent_as_it_is_stored(api: OpenApi) -> None:
    api.rooms.add_model("Half", replies=["a\ud83dz\u2028b\u0085c"])
    lines = await read_turn(api.client, model_name="Half")
    session = (await api.client.get("/sessions")).json()[0]
    reply = (await stored(api.client, session["session_id"]))[-1]
    assert "".join(line.get("content", "") for line in lines) == reply["content"]


async def test_the_archive_is_listed_apart_and_still_searched(api: OpenApi) -> None:
    ids = [await begun(api, title=title) for title in ("first", "second")]
    archived = (await api.client.patch(f"/sessions/{ids[0]}", json={"archived": True})).json()
    assert (archived["archived"], archived["title"]) == (True, "first")
    assert await titles(api, "?archived=true") == ["first"]
    assert await titles(api, "?archived=false") == ["second"]
    assert await titles(api) == ["second", "first"]
    hits = (await api.client.get("/sessions/search", params={"q": "first", "titles": "true"})).json()
    assert [(hit["where"], hit["session_id"], hit["message_id"]) for hit in hits] == [("title", ids[0], "")]
    assert (await api.client.get("/sessions/search", params={"q": "first"})).json() == []
    await api.client.patch(f"/sessions/{ids[0]}", json={"archived": False})
    assert await titles(api, "?archived=true") == []


async def folder_names(api: OpenApi) -> list[str]:
    return [folder["name"] for folder in (await api.client.get("/folders")).json()]


async def test_a_conversation_is_put_into_a_folder_and_taken_out(api: OpenApi) -> None:
    folder = (await api.client.post("/folders", json={"name": " Work "})).raise_for_status().json()
    assert folder["name"] == "Work"
    session_id = await begun(api, title="Plan")
    moved = (await api.client.patch(f"/sessions/{session_id}", json={"folder_id": folder["folder_id"]})).json()
    assert moved["folder_id"] == folder["folder_id"]
    renamed = (await api.client.patch(f"/sessions/{session_id}", json={"title": "Plans"})).json()
    assert renamed["folder_id"] == folder["folder_id"]
    out = (await api.client.patch(f"/sessions/{session_id}", json={"folder_id": None})).json()
    assert (out["folder_id"], out["title"]) == (None, "Plans")


async def test_nothing_is_changed_when_the_folder_is_not_there(api: OpenApi) -> None:
    session_id = await begun(api, title="Plan")
    asked = {"title": "Other", "archived": True, "folder_id": UNKNOWN}
    refused = await api.client.patch(f"/sessions/{session_id}", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (404, "folder_not_found")
    session = (await api.client.get(f"/sessions/{session_id}")).json()
    assert (session["title"], session["archived"]) == ("Plan", False)


async def test_folders_are_made_renamed_and_deleted(api: OpenApi) -> None:
    first, second = [
        (await api.client.post("/folders", json={"name": name})).json()["folder_id"] for name in ("Work", "Play")
    ]
    assert await folder_names(api) == ["Play", "Work"]
    session_id = await begun(api, title="Plan")
    await api.client.patch(f"/sessions/{session_id}", json={"folder_id": second})
    assert (await api.client.patch(f"/folders/{first}", json={"name": "Office"})).json()["name"] == "Office"
    assert [session["folder_id"] for session in (await api.client.get("/sessions")).json()] == [second]
    assert (await api.client.delete(f"/folders/{second}")).is_success
    assert await folder_names(api) == ["Office"]
    assert [session["folder_id"] for session in (await api.client.get("/sessions")).json()] == [None]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("work", 409, "name_taken"), ("\u200b", 400, "name_unfit"), ("", 422, "invalid_request")],
)
async def test_a_name_that_no_folder_can_have_is_refused(api: OpenApi, name: str, status: int, code: str) -> None:
    await api.client.post("/folders", json={"name": "Work"})
    refused = await api.client.post("/folders", json={"name": name})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await folder_names(api) == ["Work"]


async def test_a_folder_that_is_gone_is_said_to_be(api: OpenApi) -> None:
    for answered in (
        await api.client.patch(f"/folders/{UNKNOWN}", json={"name": "Name"}),
        await api.client.delete(f"/folders/{UNKNOWN}"),
    ):
        assert (answered.status_code, answered.json()["code"]) == (404, "folder_not_found")
