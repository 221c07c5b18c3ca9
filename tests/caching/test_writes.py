"""Whatever a person changes, they see it at once: every kind of mutation ends what is cached of theirs."""

from typing import Any

import pytest

from tests.caching.conftest import CachingGateway

TAGS = "{ tags { nodes { name } } }"

MUTATIONS = {
    "create": "createTag(input: { name: $word }) { id }",
    "create several": "createTags(inputs: [{ name: $word }, { name: $other }]) { id }",
    "create with related rows": "createTrip(input: { title: $word, items: [{ title: $word }] }) { id }",
    "update": "updateTag(id: $tag, patch: { name: $word }) { id }",
    "update by filter": "updateTags(filter: { id: { eq: $tag } }, patch: { name: $word }) { id }",
    "update one's own": 'updateMyPreferences(patch: { locale: "de" }) { locale }',
    "upsert": "upsertTag(input: { name: $word }) { id }",
    "delete": "deleteTag(id: $tag) { id }",
    "delete by filter": "deleteTags(filter: { id: { eq: $tag } }) { id }",
    "move": "moveTripItem(id: $item, dayNumber: 2, position: 0) { id }",
    "vote": "castVote(tripItemId: $item, value: UP) { id }",
    "take a vote back": "retractVote(tripItemId: $item) { id }",
    "an Edge Function": 'inviteCollaborator(tripId: $trip, email: "somebody@example.com", role: VIEWER) { id }',
    "what is refused": "deleteTrip(id: $tag) { id }",
    "two at once": "a: createTag(input: { name: $word }) { id } b: createTag(input: { name: $other }) { id }",
    "change the password": """changePassword(currentPassword: "correct horse", newPassword: "battery staple") {
        user { id } }""",
    "sign out": "signOut",
}


@pytest.mark.parametrize("kind", MUTATIONS)
async def test_every_kind_of_mutation_ends_what_is_cached(caching: CachingGateway, kind: str) -> None:
    person = await caching.newcomer()
    made: dict[str, Any] = await person.ask(
        """mutation { tag: createTag(input: { name: "before" }) { id }
             trip: createTrip(input: { title: "Sea", items: [{ title: "Boat" }] }) { id items { nodes { id } } } }"""
    )
    known = {"tag": made["tag"]["id"], "trip": made["trip"]["id"], "item": made["trip"]["items"]["nodes"][0]["id"]}
    values = {**known, "word": "one", "other": "two"}
    types = {"word": "String!", "other": "String!"}
    used = {name: value for name, value in values.items() if f"${name}" in MUTATIONS[kind]}
    declared = ", ".join(f"${name}: {types.get(name, 'UUID!')}" for name in used)
    await caching.until_cached(person, TAGS)
    await person.post(f"mutation {f'({declared})' if declared else ''} {{ {MUTATIONS[kind]} }}", **used)
    assert not (await caching.ask(person, TAGS)).cached


async def test_a_mutation_over_a_websocket_does_too(caching: CachingGateway) -> None:
    person = await caching.newcomer()
    await caching.until_cached(person, TAGS)
    url = person.url.replace("http", "ws", 1)
    async with caching.http.ws_connect(url, protocols=("graphql-transport-ws",)) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {person.token}"}})
        assert (await socket.receive_json())["type"] == "connection_ack"
        query = 'mutation { createTag(input: { name: "new" }) { name } }'
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": query}})
        assert (await socket.receive_json())["payload"] == {"data": {"createTag": {"name": "new"}}}
    assert (await caching.ask(person, TAGS)).data == {"tags": {"nodes": [{"name": "new"}]}}
