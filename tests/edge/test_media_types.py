"""Content negotiation: which media type an answer has by `Accept`, and which a request may have."""

import json
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from tests.edge.raw import connected
from tests.support import Person
from tripgate.gateway.edge.media_types import Accepted, accepted

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
STREAM = "text/event-stream"
HELLO = b'{"query":"{ __typename }"}'


def of(*lines: str) -> Accepted:
    """What the client of these header lines takes."""
    return accepted(CIMultiDictProxy(CIMultiDict([("Accept", line) for line in lines])))


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        ("Application/JSON", JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", JSON),
        (f"{JSON};q=0.9, {RESPONSE}", RESPONSE),
        (f"{RESPONSE};q=0.9,{JSON};q=0.8", RESPONSE),
        (f"{RESPONSE};q=0.8,{JSON};q=0.9", JSON),
        (f"{RESPONSE};q=0.5, */*;q=0.9", JSON),
        (f"*/*, {RESPONSE}", RESPONSE),
        (f"{JSON};q=0, */*", RESPONSE),
        (f"{JSON};q=0", None),
        ("application/*;q=0, */*", None),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f'{RESPONSE}; charset="UTF-8"', RESPONSE),
        (f"{RESPONSE}; charset=iso-8859-1, {JSON}", JSON),
        (f"{JSON}; charset=utf-16", None),
        (f'multipart/mixed;note="a,{JSON}", {RESPONSE}', RESPONSE),
        (f"multipart/mixed;deferSpec=20220824, {RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{JSON};q=high, {RESPONSE};q=0.1", RESPONSE),
        (f"{JSON};q=2, {RESPONSE};q=nan", None),
        ("text/html", None),
        ("application/xml, text/plain", None),
        ("nonsense", None),
        (",;=,", None),
        ("", JSON),
        (STREAM, STREAM),
        (f"{STREAM}, */*", STREAM),
        (f"{RESPONSE}, {JSON}, {STREAM}", RESPONSE),
        ("text/*", None),
    ],
)
def test_the_answer_has_the_type_that_the_client_likes_best(header: str, best: str | None) -> None:
    assert of(header).best == best


def test_several_lines_are_one_list() -> None:
    assert of(f"{JSON};q=0.1", RESPONSE).best == RESPONSE


@pytest.mark.parametrize(
    ("header", "streams"), [(STREAM, True), (f"{JSON}, {STREAM}", True), ("*/*", True), (JSON, False), ("", False)]
)
def test_subscriptions_are_streamed_to_whoever_takes_a_stream_at_all(header: str, streams: bool) -> None:
    assert of(header).streams is streams


@pytest.mark.parametrize(
    ("header", "page"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        (f"text/html;q=0.5, {JSON}", False),
        ("*/*", False),
        ("text/html;q=0, */*", False),
    ],
)
def test_browsers_want_a_page(header: str, page: bool) -> None:
    assert of(header).page is page


async def test_over_the_wire(anonymous: Person) -> None:
    async with connected(anonymous.url) as line:

        async def post(*headers: str) -> tuple[int, str]:
            head = "".join(f"{each}\n" for each in headers)
            line.send(f"POST /graphql HTTP/1.1\nHost: x\nContent-Length: {len(HELLO)}\n{head}\n", HELLO)
            answer = await line.answer()
            return answer.status, answer.headers["content-type"]

        json = f"Content-Type: {JSON}"
        assert await post(json) == (200, f"{JSON}; charset=utf-8")
        assert await post(json, f"Accept: {JSON};q=0.4", f"Accept: {RESPONSE}") == (200, f"{RESPONSE}; charset=utf-8")
        assert await post(json, "Accept: image/png") == (406, f"{JSON}; charset=utf-8")
        assert await post() == (415, f"{JSON}; charset=utf-8")
        assert await post("Content-Type:", f"Accept: {RESPONSE}") == (415, f"{RESPONSE}; charset=utf-8")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        (JSON, 200),
        ("application/JSON; charset=UTF-8", 200),
        ('application/json;charset="utf-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("application/graphql", 415),
        (RESPONSE, 415),
        ("text/plain; application/json", 415),
        ("text/json", 415),
    ],
)
async def test_a_request_is_json_in_utf_8(anonymous: Person, media_type: str, status: int) -> None:
    async with anonymous.http.post(anonymous.url, data=HELLO, headers={"Content-Type": media_type}) as response:
        assert response.status == status


async def test_nothing_that_fits_is_said_in_json(anonymous: Person) -> None:
    headers = {"Accept": "text/csv"}
    async with anonymous.http.post(anonymous.url, json={"query": "{ __typename }"}, headers=headers) as response:
        assert (response.status, await response.json()) == (
            406,
            {
                "errors": [
                    {
                        "message": f"Answers are {RESPONSE}, {JSON} or {STREAM}; accept one of them.",
                        "extensions": {"code": "BAD_REQUEST"},
                    }
                ]
            },
        )


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
    ({"query": "query ($id: UUID!) { trip(id: $id) { id } }", "variables": {"id": 1}}, "BAD_USER_INPUT"),
]


@pytest.mark.parametrize(("body", "code"), FAILURES)
@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (RESPONSE, 400)])
async def test_what_cannot_run_is_a_failure_of_http_in_the_new_type_alone(
    anonymous: Person, body: dict[str, Any], code: str, accept: str, status: int
) -> None:
    async with anonymous.http.post(anonymous.url, json=body, headers={"Accept": accept}) as response:
        answer = await response.json()
        assert (response.status, response.content_type) == (status, accept)
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_failed_field_is_no_failure_of_http(anonymous: Person, accept: str) -> None:
    body = {"query": "{ trips { totalCount } }"}
    async with anonymous.http.post(anonymous.url, json=body, headers={"Accept": accept}) as response:
        answer = await response.json()
        assert (response.status, answer["data"]) == (200, {"trips": None})
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_token_that_is_not_accepted_is(anonymous: Person, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": "Bearer x"}
    async with anonymous.http.post(anonymous.url, json={"query": "{ viewer { id } }"}, headers=headers) as response:
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_subscription_needs_a_stream(http: aiohttp.ClientSession, anonymous: Person) -> None:
    body = {
        "query": 'subscription { tripChanges(tripId: "00000000-0000-4000-8000-000000000000") { operation } }',
    }
    async with http.post(anonymous.url, json=body, headers={"Accept": f"{RESPONSE}, {JSON}"}) as response:
        answer = await response.json(content_type=RESPONSE)
        assert response.status == 406
        assert answer["errors"][0]["message"] == (
            "Subscribe with `Accept: text/event-stream` or `multipart/mixed;subscriptionSpec=1.0`, or over a WebSocket."
        )
    # Every urql sends this with every request.
    everything = f"{RESPONSE}, application/graphql+json, {JSON}, {STREAM}, multipart/mixed"
    async with http.post(anonymous.url, json=body, headers={"Accept": everything}) as response:
        assert (response.status, response.content_type) == (200, STREAM)
    async with http.post(anonymous.url, json={"query": "{ __typename }"}, headers={"Accept": everything}) as response:
        assert (response.status, response.content_type) == (200, RESPONSE)


@pytest.mark.parametrize(("body", "code"), FAILURES)
async def test_what_cannot_run_is_told_on_an_event_stream(
    anonymous: Person, getting: str, body: dict[str, Any], code: str
) -> None:
    """As the protocol of `graphql-sse` has it: clients take another status for a failure of the transport."""
    headers, params = (
        {"Accept": STREAM},
        {"query": body["query"] or "#", "variables": json.dumps(body.get("variables"))},
    )
    for asked in (
        anonymous.http.post(anonymous.url, json=body, headers=headers),
        anonymous.http.get(getting, params=params, headers=headers),
    ):
        async with asked as response:
            assert (response.status, response.headers["Content-Type"]) == (200, f"{STREAM}; charset=utf-8")
            assert (response.headers["Cache-Control"], "X-Request-Id" in response.headers) == ("no-store", True)
            opening, told, ended, rest = (await response.text()).split("\n\n")
            assert (opening, ended, rest) == (":", "event: complete\ndata: ", "")
            answer = json.loads(told.removeprefix("event: next\ndata: "))
            assert list(answer) == ["errors"]
            assert answer["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("body", [{}, {"query": 1}, {"query": "{ __typename }", "variables": []}, []], ids=str)
async def test_what_is_no_request_opens_no_stream(anonymous: Person, body: Any) -> None:
    async with anonymous.http.post(anonymous.url, json=body, headers={"Accept": STREAM}) as response:
        assert (response.status, response.content_type) == (400, JSON)


@pytest.mark.parametrize("rather", [JSON, RESPONSE])
async def test_who_takes_json_too_is_told_in_it_that_a_subscription_cannot_run(anonymous: Person, rather: str) -> None:
    """As urql and Apollo Client send it."""
    body = {"query": "subscription { nothing }"}
    for beside in (STREAM, "multipart/mixed;subscriptionSpec=1.0"):
        headers = {"Accept": f"{beside};q=0.9, {rather}"}
        async with anonymous.http.post(anonymous.url, json=body, headers=headers) as response:
            assert response.content_type == rather
            assert (await response.json())["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("header", "format_"),
    [
        (f"multipart/mixed;deferSpec=20220824, {RESPONSE}, {JSON};q=0.9", "deferSpec=20220824"),
        (f'Multipart/Mixed; DeferSpec="20220824", {JSON}', "deferSpec=20220824"),
        (f"multipart/mixed;incrementalSpec=v0.2, {JSON}", "incrementalSpec=v0.2"),
        (f"multipart/mixed;incrementalSpec=v0.2, multipart/mixed;deferSpec=20220824, {JSON}", "incrementalSpec=v0.2"),
        (f"{RESPONSE}, {JSON}, {STREAM}, multipart/mixed", "deferSpec=20220824"),
        (f"{JSON}, multipart/mixed;q=0.9", None),
        (f"multipart/mixed;q=0, {JSON}", None),
        (f"multipart/mixed;deferSpec=1, {JSON}", None),
        (f"multipart/mixed;subscriptionSpec=1.0, {JSON}", None),
        (f"multipart/*, {JSON}", None),
        ("*/*", None),
    ],
)
def test_who_takes_an_answer_in_parts_says_in_which_format(header: str, format_: str | None) -> None:
    assert of(header).incremental == format_
