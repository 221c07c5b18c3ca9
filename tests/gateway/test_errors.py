"""Mistakes get a code, a message that says what to do, and nothing from inside."""

from typing import Any

import pytest

from tests.live.clients import live
from tests.support import Person

UNKNOWN = "00000000-0000-4000-8000-000000000000"
CREATE = "mutation ($input: CreateTripInput!) { createTrip(input: $input) { id } }"
TITLE_RULE = "A trip's title is 1 to 200 characters long, and not all of them are blank."


async def test_unknown_ids(ada: Person) -> None:
    assert await ada.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=UNKNOWN) == {"trip": None}
    error = await ada.refused("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=UNKNOWN)
    assert error == {"code": "NOT_FOUND", "message": "There is no such trip."}
    error = await ada.refused("mutation ($id: UUID!) { deleteTripItem(id: $id) { id } }", id=UNKNOWN)
    assert error == {"code": "NOT_FOUND", "message": "There is no such trip item."}


@pytest.mark.parametrize(
    ("fields", "constraint", "field", "message"),
    [
        (
            {"startDate": "2027-02-01", "endDate": "2027-01-01"},
            "trips_end_date_check",
            "endDate",
            "A trip ends by the year 9999, not before it starts, and takes at most 1,000 days.",
        ),
        (
            {"startDate": "2027-01-01", "endDate": "2029-09-27"},
            "trips_end_date_check",
            "endDate",
            "A trip ends by the year 9999, not before it starts, and takes at most 1,000 days.",
        ),
        ({"budget": "-1"}, "trips_budget_check", "budget", "A budget is zero or more."),
        (
            {"currency": "euro"},
            "trips_currency_check",
            "currency",
            "A currency is three capital letters, its ISO 4217 code, such as EUR.",
        ),
        ({"title": ""}, "trips_title_check", "title", TITLE_RULE),
        ({"title": "x" * 1000}, "trips_title_check", "title", TITLE_RULE),
    ],
)
async def test_broken_rules_are_reported_in_words_with_constraint_and_field(
    newcomer: Person, fields: dict[str, Any], constraint: str, field: str, message: str
) -> None:
    error = await newcomer.refused(CREATE, input={"title": "A trip", **fields})
    assert error == {
        "code": "BAD_USER_INPUT",
        "message": message,
        "sqlstate": "23514",
        "constraint": constraint,
        "field": field,
    }


@pytest.mark.parametrize(
    ("create", "constraint", "field"),
    [
        ('createTag(input: { name: "calm" })', "tags_user_id_name_key", "name"),
        ('createSavedPlace(input: { placeId: "$place" })', "saved_places_user_id_place_id_key", "placeId"),
        (
            'createCollectionPlace(input: { collectionId: "$collection", placeId: "$place" })',
            "collection_places_collection_id_place_id_key",
            "placeId",
        ),
        ('createPlaceTag(input: { placeId: "$place", tagId: "$tag" })', "place_tags_place_id_tag_id_key", "tagId"),
    ],
)
async def test_what_is_there_already_is_named_by_the_field_that_says_so(
    newcomer: Person, create: str, constraint: str, field: str
) -> None:
    made = await newcomer.ask(
        """mutation {
             place: createPlace(input: { name: "Pier" }) { id } tag: createTag(input: { name: "windy" }) { id }
             collection: createCollection(input: { name: "Coast" }) { id }
           }"""
    )
    for name, row in made.items():
        create = create.replace(f"${name}", row["id"])
    await newcomer.ask(f"mutation {{ {create} {{ id }} }}")
    assert await newcomer.refused(f"mutation {{ {create} {{ id }} }}") == {
        "code": "CONFLICT",
        "message": "This already exists.",
        "reason": "ALREADY_EXISTS",
        "sqlstate": "23505",
        "constraint": constraint,
        "field": field,
    }


async def test_a_new_name_that_is_taken_is_named_too(newcomer: Person) -> None:
    made = await newcomer.ask(
        'mutation { createTag(input: { name: "calm" }) { id } b: createTag(input: { name: "windy" }) { id } }'
    )
    rename = 'mutation ($id: UUID!) { updateTag(id: $id, patch: { name: "calm" }) { id } }'
    error = await newcomer.refused(rename, id=made["b"]["id"])
    assert (error["code"], error["field"]) == ("CONFLICT", "name")


async def test_values_out_of_range(newcomer: Person) -> None:
    error = await newcomer.refused(CREATE, input={"title": "A trip", "budget": "1" * 30})
    assert (error["code"], error["sqlstate"]) == ("BAD_USER_INPUT", "22003")


async def test_somebody_elses_trip_takes_no_items(newcomer: Person, ben: Person) -> None:
    trip_id = await newcomer.trip()
    add = 'mutation ($id: UUID!) { createTripItem(input: { tripId: $id, title: "x" }) { id } }'
    for id_ in (trip_id, UNKNOWN):
        # The same for a trip that exists and one that does not.
        assert await ben.refused(add, id=id_) == {"code": "FORBIDDEN", "message": "You are not allowed to do this."}


@pytest.mark.parametrize(
    ("mutation", "message"),
    [
        ("updateTrip(id: $id, patch: {}) { id }", "patch is empty. Give at least one field to change."),
        (
            "updateTrip(id: $id, patch: { title: null }) { id }",
            "patch.title cannot be null. Leave it out to keep it as it is.",
        ),
        (
            'createTrip(input: { title: "x", currency: null }) { id }',
            "input.currency cannot be null. Leave it out for its default.",
        ),
        (
            'createTripItems(inputs: [{ tripId: $id, title: "x" }, { tripId: $id, title: "x", kind: null }]) { id }',
            "inputs[1].kind cannot be null. Leave it out for its default.",
        ),
    ],
)
async def test_inputs_that_cannot_be_meant(ada: Person, mutation: str, message: str) -> None:
    error = await ada.refused(f"mutation {{ {mutation} }}".replace("$id", f'"{UNKNOWN}"'))
    assert (error["code"], error["message"]) == ("BAD_USER_INPUT", message)


async def test_too_many_inputs(ada: Person) -> None:
    error = await ada.refused(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }",
        inputs=[{"tripId": UNKNOWN, "title": "x"}] * 101,
    )
    assert error["code"] == "BAD_USER_INPUT"
    assert error["message"] == "inputs has 101 entries; at most 100 go at once."


async def test_a_list_of_inputs_is_written_whole_or_not_at_all(newcomer: Person) -> None:
    trip_id = await newcomer.trip()
    good, bad = {"tripId": trip_id, "title": "good"}, {"tripId": trip_id, "title": "bad", "cost": "-1"}
    error = await newcomer.refused(
        "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { id } }", inputs=[good, bad]
    )
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "cost")
    data = await newcomer.ask("query ($id: UUID!) { trip(id: $id) { items { totalCount } } }", id=trip_id)
    assert data == {"trip": {"items": {"totalCount": 0}}}


async def test_after_a_failed_mutation_the_rest_do_not_run_and_what_was_done_stays(newcomer: Person) -> None:
    status, body = await newcomer.post(
        """mutation ($id: UUID!) {
             first: createTrip(input: { title: "Kept" }) { title }
             second: deleteTrip(id: $id) { id }
             third: createTrip(input: { title: "Never" }) { title }
             fourth: signOut
           }""",
        id=UNKNOWN,
    )
    assert status == 200
    assert body["data"] == {"first": {"title": "Kept"}, "second": None, "third": None, "fourth": None}
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["second"], "NOT_FOUND"),
        (["third"], "NOT_RUN"),
        (["fourth"], "NOT_RUN"),
    ]
    assert await newcomer.ask("{ trips { nodes { title } } }") == {"trips": {"nodes": [{"title": "Kept"}]}}


async def test_a_query_field_that_fails_leaves_the_others_their_answers(ada: Person) -> None:
    _, body = await ada.post("{ viewer { displayName } trips(first: -1) { nodes { id } } }")
    assert body["data"] == {"viewer": {"displayName": "Ada Lindqvist"}, "trips": None}
    assert [error["path"] for error in body["errors"]] == [["trips"]]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("{ trips { nodes { id } ", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ("{ trips { } }", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing' on type 'Query'."),
        ('{ trip(id: "x") { id } }', "GRAPHQL_VALIDATION_FAILED", "'x' is not a UUID"),
        ("query ($id: UUID!) { trip(id: $id) { id } }", "BAD_USER_INPUT", "'$id'"),
        ("fragment F on Trip { id }", "GRAPHQL_VALIDATION_FAILED", "never used"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE", "several operations"),
        (
            "{ trips(orderBy: [{ title: ASC, budget: ASC }]) { totalCount } }",
            "GRAPHQL_VALIDATION_FAILED",
            "exactly one",
        ),
        ('{ trips(filter: { budget: { eq: "NaN" } }) { totalCount } }', "GRAPHQL_VALIDATION_FAILED", "finite"),
        (
            '{ trips(filter: { createdAt: { gt: "2027-01-01T00:00" } }) { totalCount } }',
            "GRAPHQL_VALIDATION_FAILED",
            "offset",
        ),
        (f"{{ {'a ' * 2100} }}", "QUERY_TOO_LARGE", "2000"),
    ],
)
async def test_documents_that_cannot_run(ada: Person, query: str, code: str, message: str) -> None:
    _, body = await ada.post(query)
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == code
    assert message in body["errors"][0]["message"]


@pytest.mark.parametrize("value", ["nope", 1.5, True, "1e5000000", {"a": 1}])
async def test_variables_that_do_not_fit(ada: Person, value: object) -> None:
    status, body = await ada.post(
        "query ($budget: Decimal) { trips(filter: { budget: { eq: $budget } }) { totalCount } }", budget=value
    )
    assert status == 200
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}


async def test_accounts(anonymous: Person, newcomer: Person) -> None:
    sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { user { email } } }"
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { user { id } } }"
    ada = {"email": "ada@tripgate.example", "password": "correct horse"}
    assert await anonymous.refused(sign_up, input={**ada, "displayName": "Ada"}) == {
        "code": "CONFLICT",
        "message": "This e-mail address has an account already. Sign in.",
        "field": "email",
        "reason": "ALREADY_EXISTS",
    }
    weak = await anonymous.refused(sign_up, input={"email": "x@example.com", "password": "x", "displayName": "X"})
    assert (weak["code"], weak["field"]) == ("BAD_USER_INPUT", "password")
    bad = await anonymous.refused(sign_up, input={"email": "x", "password": "correct horse", "displayName": "X"})
    assert (bad["code"], bad["field"]) == ("BAD_USER_INPUT", "email")
    wrong = {"code": "UNAUTHENTICATED", "message": "The e-mail address or the password is wrong."}
    assert await anonymous.refused(sign_in, input=ada) == wrong
    assert await anonymous.refused(sign_in, input={**ada, "email": "nobody@example.com"}) == wrong


async def test_sessions(newcomer: Person) -> None:
    refresh = (
        "mutation ($token: String!) { refreshSession(refreshToken: $token) { session { refreshToken tokenType } } }"
    )
    data = await newcomer.ask(refresh, token=newcomer.refresh_token)
    session = data["refreshSession"]["session"]
    assert session["tokenType"] == "bearer"
    assert session["refreshToken"] != newcomer.refresh_token
    assert await newcomer.code(refresh, token="nonsense") == "UNAUTHENTICATED"
    assert await newcomer.ask("mutation { signOut }") == {"signOut": True}
    assert await newcomer.code(refresh, token=session["refreshToken"]) == "UNAUTHENTICATED"


LONG = "9" * 60_000


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($n: Int) { trips(first: $n) { totalCount } }", {"n": int("9" * 4000)}),
        ("query ($n: Int) { trips(first: $n) { totalCount } }", {"n": [LONG] * 4}),
        (f"{{ trips(first: {LONG}) {{ totalCount }} }}", {}),
        (f'{{ trips(first: "{LONG}") {{ totalCount }} }}', {}),
        ("query ($s: TripStatus) { trips(filter: { status: { eq: $s } }) { totalCount } }", {"s": LONG}),
        ("query ($f: TripFilter) { trips(filter: $f) { totalCount } }", {"f": {f"x{LONG}": 1}}),
        (f"{{ x{LONG} }}", {}),
        ("query ($id: UUID!) { trip(id: $id) { id } }", {"id": LONG}),
    ],
    ids=["number", "list", "literal", "string", "enum", "name", "field", "uuid"],
)
@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_no_error_repeats_a_long_value(
    ada: Person, query: str, variables: dict[str, Any], transport: str
) -> None:
    if transport == "http":
        _, body = await ada.post(query, **variables)
        errors = body["errors"]
    else:
        async with live(ada) as connection:
            id_ = await connection.subscribe(query, **variables)
            message = await connection.message()
            assert message["id"] == id_
            errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    assert errors
    assert all(len(error["message"]) <= 1003 for error in errors)
    assert {error["extensions"]["code"] for error in errors} <= {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}
