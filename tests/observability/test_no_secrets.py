"""Secrets, values and addresses pass through in every way there is, and none shows in a log, a metric or a trace."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.gateway.test_faults import instead_of_postgrest
from tests.live.clients import live
from tests.observability.observed import observed
from tests.support import Person
from tripgate.gateway.observability.redact import plan_without_values, strings_in, without_secrets
from tripgate.local.stack import StackInfo
from tripgate.planner.plan import (
    ALWAYS,
    And,
    Call,
    Compare,
    Delete,
    FunctionCall,
    Insert,
    InsertTree,
    Not,
    Operator,
    Pick,
    Read,
    Related,
    Update,
)

SECRET = "kumquat"


def secret(number: int) -> str:
    """A value of its own that must be found nowhere."""
    return f"{SECRET}{number:03}"


async def test_nothing_that_anybody_says_is_seen_again(seeded: StackInfo, ada: Person, tmp_path: Path) -> None:
    async with observed(
        seeded, ada, tmp_path, traced=True, log_level="debug", slow_ms=1, log_person_key="0123456789abcdef"
    ) as found:
        nobody = Person(ada.http, found.person.url)
        email = f"{secret(1)}@example.com"
        account = (
            "($input: SignUpInput!) { signUp(input: $input) { session { accessToken refreshToken } user { id } } }"
        )
        await nobody.post(
            f"mutation {account}", input={"email": email, "password": secret(2), "displayName": secret(3)}
        )
        signed_in = await nobody.sign_in(email, secret(2))
        await nobody.post(
            f'mutation {{ signIn(input: {{ email: "{email}", password: "{secret(4)}" }}) {{ user {{ id }} }} }}'
        )
        trip = await signed_in.trip(title=secret(5), description=secret(6))
        await signed_in.post(f'{{ trips(filter: {{ title: {{ eq: "{secret(7)}" }} }}) {{ nodes {{ id }} }} }}')
        await signed_in.post(f'mutation {{ updateTrip(id: "{trip}", patch: {{ title: "{secret(8)}" }}) {{ id }} }}')
        await signed_in.post("query ($id: UUID!) { trip(id: $id) { id } }", id=secret(9))
        await signed_in.post("{ trips }", title=secret(10))
        await found.post({"query": "{ __typename }"}, {"Authorization": f"Bearer {secret(11)}.{secret(12)}.x"})
        await found.post({"query": "{ __typename }"}, {"Cookie": secret(13), "X-Request-Id": f"{secret(14)}@x"})
        await found.post(f'{{"query": "{secret(15)}')
        await found.post({"query": "query A { __typename }", "operationName": secret(16)})
        await found.post({"query": "{ __typename }"}, {"traceparent": secret(17), "tracestate": secret(18)})
        async with live(signed_in) as connection:
            id_ = await connection.subscribe("query ($id: UUID!) { trip(id: $id) { id } }", id=secret(19))
            assert await connection.ending(id_) == "BAD_USER_INPUT"
            await connection.send(type="ping", payload={"Authorization": f"Bearer {secret(20)}"})
        await _masked(seeded, signed_in, tmp_path)
        _ = found.so_far
        log = _all_of(tmp_path)
        shown = json.dumps([span.to_json() for span in found.spans.get_finished_spans()])
        async with ada.http.get(found.person.url.replace("graphql", "metrics")) as response:
            exposed = await response.text()
    assert log.count('"message":"request"') >= 14
    assert '"message":"slow operation"' in log
    assert '"message":"masked error"' in log
    token, refresh, id_of = signed_in.token, signed_in.refresh_token, signed_in.id
    for hidden in (SECRET, token, refresh, id_of, ada.token, trip, "example.com", seeded.publishable_key):
        assert hidden
        for text in (log, shown, exposed):
            assert hidden not in text, text[max(0, text.find(hidden) - 300) :][:400]


def _all_of(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.iterdir())


async def _masked(seeded: StackInfo, person: Person, folder: Path) -> None:
    """A failure that repeats what was said, and shows a row."""

    async def odd(request: web.Request) -> web.StreamResponse:
        said = f"{request.path_qs} {await request.text()} {dict(request.headers)}"
        return web.json_response(
            {"code": "XX000", "message": said, "details": secret(30), "hint": secret(31)}, status=500
        )

    async with (
        instead_of_postgrest(odd) as rest_url,
        observed(seeded, person, folder, rest_url=rest_url, log_level="debug", slow_ms=1) as found,
    ):
        await found.person.post("mutation ($t: String!) { createTrip(input: { title: $t }) { id } }", t=secret(21))
        await found.person.post(f'{{ trips(filter: {{ title: {{ eq: "{secret(22)}" }} }}) {{ nodes {{ id }} }} }}')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token eyJhbGciOi.eyJzdWIi.c2ln was bad", "token [hidden] was bad"),
        ("Authorization: Bearer abc.def", "Authorization: [hidden]"),
        ("key sb_secret_abc-1_x!", "key [hidden]!"),
        ("Key (email)=(ada.l+x@mail.example.com) exists", "Key (email)=([hidden]) exists"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_credentials_and_addresses_are_known_by_their_form(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_of_very_much_nothing_shows() -> None:
    assert without_secrets("fine", ["other"] * 1001) == "[hidden]"


def test_all_strings_of_variables_are_found_the_longest_first() -> None:
    assert strings_in({"a": ["bb", {"c": "dddd"}], "e": 1234567, "f": None, "g": True}) == ["1234567", "dddd", "bb"]


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        (
            Read(
                "trips",
                (Pick("title"),),
                where=And(
                    (
                        Compare("title", Operator.EQ, SECRET),
                        Not(Compare("id", Operator.IN, (SECRET, SECRET))),
                        Related("trip_items", "trip_id", True, Compare("title", Operator.ILIKE, SECRET)),
                    )
                ),
                limit=20,
            ),
            {
                "Read": {
                    "table": "trips",
                    "columns": [{"Pick": {"column": "title"}}],
                    "where": {
                        "And": {
                            "of": [
                                {"Compare": {"column": "title", "operator": "eq", "value": "?"}},
                                {"Not": {"of": {"Compare": {"column": "id", "operator": "in", "value": "? of 2"}}}},
                                {
                                    "Related": {
                                        "table": "trip_items",
                                        "via": "trip_id",
                                        "many": True,
                                        "where": {"Compare": {"column": "title", "operator": "ilike", "value": "?"}},
                                    }
                                },
                            ]
                        }
                    },
                    "limit": 20,
                }
            },
        ),
        (
            Read("trips", (), where=ALWAYS, source=FunctionCall("search", (("words", SECRET),))),
            {
                "Read": {
                    "table": "trips",
                    "columns": [],
                    "source": {"FunctionCall": {"function": "search", "arguments": ["words"]}},
                }
            },
        ),
        (
            Insert("trips", ("title",), ({"title": SECRET}, {"title": SECRET}), (Pick("id"),)),
            {"Insert": {"table": "trips", "columns": ["title"], "rows": 2, "returning": [{"Pick": {"column": "id"}}]}},
        ),
        (
            InsertTree((("trips", ({"title": SECRET},)), ("trip_items", ({"title": SECRET},) * 3))),
            {"InsertTree": {"parts": [{"table": "trips", "rows": 1}, {"table": "trip_items", "rows": 3}]}},
        ),
        (
            Update("trips", (("id", SECRET),), {"title": SECRET}, (), where=(Compare("title", Operator.EQ, SECRET),)),
            {
                "Update": {
                    "table": "trips",
                    "match": ["id"],
                    "changes": ["title"],
                    "returning": [],
                    "where": [{"Compare": {"column": "title", "operator": "eq", "value": "?"}}],
                }
            },
        ),
        (
            Delete("trips", (("id", SECRET),), (), exactly=1),
            {"Delete": {"table": "trips", "match": ["id"], "returning": [], "exactly": 1}},
        ),
        (
            Call("accept", {"token": SECRET}, ()),
            {"Call": {"function": "accept", "arguments": ["token"], "returning": []}},
        ),
    ],
)
def test_a_plan_without_its_values(plan: object, shown: object) -> None:
    assert plan_without_values(plan) == shown
