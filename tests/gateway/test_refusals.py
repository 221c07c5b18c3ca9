"""What SQL functions and Edge Functions refuse reaches the client as they say it, over both backends and transports."""

import json
import shutil
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psycopg
import pytest
import strawberry

from gql.errors import RAISED_CODES, ErrorCode
from gql.scalars import JSON
from resolvers.context import Info
from tests.live.following import TITLE, TRANSPORTS, followed
from tests.support import Person, reading, serving, stack_options
from tripgate.gateway.schema import build_schema
from tripgate.local.stack import Stack, StackInfo
from tripgate.planner.plan import FunctionCall

ROOT = Path(__file__).parents[2]
SQL = """
create function public.refuses(code text, message text, extensions text) returns text
language plpgsql stable set search_path = '' as $$
begin
    perform requests.refuse(code, message, extensions::jsonb);
    return 'it went on';
end
$$;
comment on function public.refuses(text, text, text) is 'Refuses as it is told.';
revoke execute on function public.refuses(text, text, text) from public;
grant execute on function public.refuses(text, text, text) to authenticated, anon;

create function public.raises(message text, detail text) returns text
language plpgsql stable set search_path = '' as $$
begin raise sqlstate 'PGRST' using message = message, detail = detail; end
$$;
comment on function public.raises(text, text) is 'Raises for PostgREST what it is told.';
revoke execute on function public.raises(text, text) from public;
grant execute on function public.raises(text, text) to authenticated;

-- Nobody reads a trip that is called so.
create function public.may_be_read(title text) returns boolean language plpgsql stable set search_path = '' as $$
begin
    if title = 'Not to be read' then
        perform requests.refuse('USAGE_LIMIT_EXCEEDED', 'No more is included this month.', '{"until": "2026-06-01"}');
    end if;
    return true;
end
$$;
create policy "Trips that may be read" on public.trips as restrictive for select using (public.may_be_read(title));

create function private.limit_trips() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform private.refuse('PLAN_FULL', 'The plan has no trip left.', '{"trips": 1, "field": "title"}');
    return new;
end
$$;
revoke execute on function private.limit_trips() from public;
create trigger limit_trips before insert on public.trips
    for each row when (new.title = 'One too many') execute function private.limit_trips();
"""
FUNCTION = """import { endpoint, type Handler } from "../_shared/endpoint.ts";
import { ApiError, type ErrorCode, type Extensions } from "../_shared/errors.ts";

const refuses: Handler<null> = ({ code, message, extensions }) =>
  Promise.reject(new ApiError(code as ErrorCode, message as string, extensions as Extensions));

Deno.serve(endpoint(refuses, null));
"""
SAID = "The plan has no seat left."
MORE = {"reason": "TOO_LATE", "seats": 5, "until": "2026-05-01", "of": {"plan": ["a", None]}, "field": "seat"}


@strawberry.type
class RefusalQuery:
    """Fields that ask for a refusal."""

    @strawberry.field(description="By a SQL function.")
    async def by_sql(self, info: Info, code: str, message: str, extensions: JSON) -> str | None:
        """What the function answers."""
        arguments = (("code", code), ("message", message), ("extensions", orjson.dumps(extensions).decode()))
        backend = info.context.backend
        found = await backend.fetch(backend.prepare(FunctionCall("refuses", arguments)), info.context.caller, None)
        return str(found.rows)

    @strawberry.field(description="By a SQL function that raises for PostgREST by itself.")
    async def by_hand(self, info: Info, message: str, detail: str) -> str | None:
        """What the function answers."""
        call = FunctionCall("raises", (("message", message), ("detail", detail)))
        backend = info.context.backend
        found = await backend.fetch(backend.prepare(call), info.context.caller, None)
        return str(found.rows)

    @strawberry.field(description="By an Edge Function.")
    async def by_function(self, info: Info, code: str, message: str, extensions: JSON) -> str | None:
        """What the function answers."""
        body = {"code": code, "message": message, "extensions": extensions}
        return str(await info.context.functions.invoke("refuses", body, info.context.caller))


@strawberry.type
class RefusalSubscription:
    """Streams that are refused after their first event."""

    @strawberry.subscription(description="By an Edge Function.")
    async def until_refused(
        self, info: Info, code: str, message: str, extensions: JSON
    ) -> AsyncGenerator[str | None, None]:
        """One event, and then what the function answers."""
        yield "first"
        body = {"code": code, "message": message, "extensions": extensions}
        yield str(await info.context.functions.invoke("refuses", body, info.context.caller))


ASK = (
    "query ($code: String!, $message: String!, $extensions: JSON!) "
    "{{ {}(code: $code, message: $message, extensions: $extensions) }}"
)
WAYS = {way: ASK.format(way) for way in ("bySql", "byFunction")}
STREAM = (
    "subscription ($code: String!, $message: String!, $extensions: JSON!) "
    "{ untilRefused(code: $code, message: $message, extensions: $extensions) }"
)
BY_HAND = "query ($message: String!, $detail: String!) { byHand(message: $message, detail: $detail) }"


@pytest.fixture(scope="module")
def refusing_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product's schema and functions, and one of each that refuses as it is told."""
    root = tmp_path_factory.mktemp("refusals")
    project = root / "project"
    left_out = shutil.ignore_patterns("migrations", ".temp", "node_modules")
    shutil.copytree(ROOT / "supabase", project / "supabase", ignore=left_out)
    (project / "supabase" / "schemas" / "999_refusals.sql").write_text(SQL)
    (project / "supabase" / "functions" / "refuses").mkdir()
    (project / "supabase" / "functions" / "refuses" / "index.ts").write_text(FUNCTION)
    with Stack(stack_options(project, root / "data")) as stack:
        yield stack


@pytest.fixture(scope="module")
def refusing(refusing_stack: Stack) -> StackInfo:
    assert refusing_stack.info is not None
    return refusing_stack.info


@pytest.fixture(scope="module")
def functions_log(refusing_stack: Stack) -> Callable[[], list[str]]:
    """The lines of the function's log by now."""
    return lambda: (refusing_stack.logs / "function_refuses.log").read_text().splitlines()


@pytest.fixture(scope="module", params=["postgrest", "postgres"])
async def person(
    request: pytest.FixtureRequest, http: aiohttp.ClientSession, refusing: StackInfo
) -> AsyncIterator[Person]:
    """Somebody behind a gateway that reads one way or the other."""
    schema = build_schema(queries=[RefusalQuery], subscriptions=[RefusalSubscription])
    async with serving(refusing, schema=schema, **reading(refusing, request.param)) as url:
        yield await Person(http, url).sign_up()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", sorted(RAISED_CODES))
async def test_every_public_code_reaches_the_client(person: Person, way: str, code: str) -> None:
    told = await person.refused(WAYS[way], code=code, message=SAID, extensions=MORE)
    assert told == {"code": code, "message": SAID, **MORE}


@pytest.mark.parametrize("transport", ["websocket", "sse", "single-stream"])
@pytest.mark.parametrize("way", WAYS)
async def test_over_sockets_and_event_streams_too(person: Person, way: str, transport: str) -> None:
    for code in sorted(RAISED_CODES):
        async with followed(person, transport, WAYS[way], code=code, message=SAID, extensions=MORE) as following:
            (error,) = (await following.payload())["errors"]
            assert (error["message"], error["extensions"]) == (SAID, {"code": code, **MORE})
            assert await following.ending() == "complete"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("code", ["CONFLICT", "RATE_LIMITED", "AI_PROVIDER_ERROR", "OWN_CODE"])
async def test_a_stream_ends_with_what_a_function_refuses(person: Person, transport: str, code: str) -> None:
    async with followed(person, transport, STREAM, code=code, message=SAID, extensions=MORE) as following:
        assert await following.payload() == {"data": {"untilRefused": "first"}}
        (error,) = (await following.payload())["errors"]
        assert await following.ending() == "complete"
    if code == "OWN_CODE":
        assert (error["extensions"]["code"], SAID in str(error)) == ("UPSTREAM_UNAVAILABLE", False)
    else:
        assert (error["message"], error["extensions"]) == (SAID, {"code": code, **MORE})


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_live_query_ends_with_what_its_next_read_refuses(
    person: Person, refusing: StackInfo, transport: str
) -> None:
    trip = await person.trip(title="Read")
    async with followed(person, transport, TITLE, trip=trip) as following:
        assert (await following.payload())["data"] == {"trip": {"title": "Read"}}
        with psycopg.connect(refusing.admin_db_url) as db:
            db.execute("update public.trips set title = 'Not to be read' where id = %s", (trip,))
        (error,) = (await following.payload())["errors"]
        assert await following.ending() == "complete"
    with psycopg.connect(refusing.admin_db_url) as db:
        db.execute("delete from public.trips where id = %s", (trip,))
    assert (error["message"], error["extensions"]) == (
        "No more is included this month.",
        {"code": "USAGE_LIMIT_EXCEEDED", "until": "2026-06-01"},
    )


async def test_a_trigger_refuses_a_write_as_it_says_and_what_comes_after_is_not_run(person: Person) -> None:
    full = {"message": "The plan has no trip left.", "code": "PLAN_FULL", "trips": 1, "field": "title"}
    write = "mutation ($title: String!) { createTrip(input: { title: $title }) { id } }"
    assert await person.refused(write, title="One too many") == full
    many = "mutation ($trips: [CreateTripInput!]!) { createTrips(inputs: $trips) { id } }"
    assert await person.refused(many, trips=[{"title": "Another"}, {"title": "One too many"}]) == full
    _, body = await person.post(
        'mutation { full: createTrip(input: { title: "One too many" }) { id } '
        'after: createTrip(input: { title: "x" }) { id } }'
    )
    assert [error["extensions"]["code"] for error in body["errors"]] == ["PLAN_FULL", "NOT_RUN"]
    assert await person.ask("{ trips { totalCount } }") == {"trips": {"totalCount": 0}}


@pytest.mark.parametrize("code", ["OWN_CODE", "conflict", *sorted(set(ErrorCode) - RAISED_CODES)])
async def test_no_other_code_does(person: Person, code: str) -> None:
    """The API's own codes neither: nobody else may say that a document is too deep, or that a line of the log tells."""
    for way, query in WAYS.items():
        told = await person.refused(query, code=code, message="secret", extensions={"secret": "secret"})
        assert told["code"] == ("INTERNAL_SERVER_ERROR" if way == "bySql" else "UPSTREAM_UNAVAILABLE")
        assert "secret" not in str(told)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_the_apis_to_say_stays_so(person: Person, way: str) -> None:
    more = {"code": "FORBIDDEN", "errorId": str(uuid.uuid4()), "nothing": None, "seats": 0}
    told = await person.refused(WAYS[way], code="CONFLICT", message=SAID, extensions=more)
    assert told == {"code": "CONFLICT", "message": SAID, "seats": 0, "reason": "OTHER"}


@pytest.mark.parametrize("way", WAYS)
async def test_a_conflict_always_has_a_reason(person: Person, way: str) -> None:
    for given, told in (("TOO_LATE", "TOO_LATE"), (None, "OTHER"), ("", "OTHER"), (7, "OTHER"), (["x"], "OTHER")):
        found = await person.refused(WAYS[way], code="CONFLICT", message=SAID, extensions={"reason": given})
        assert found == {"code": "CONFLICT", "message": SAID, "reason": told}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("wait", "told"), [(7, 7), (0, None), (-1, None), (1e9, None), ("7", None), (True, None)])
async def test_how_long_to_wait_is_a_number_of_seconds(person: Person, way: str, wait: Any, told: int | None) -> None:
    found = await person.refused(WAYS[way], code="RATE_LIMITED", message=SAID, extensions={"retryAfter": wait})
    assert found.get("retryAfter") == told


@pytest.mark.parametrize(
    "message",
    [
        '{"code": "CONFLICT", "message": "secret"}',
        '{"code": "CONFLICT", "message": "secret", "hint": "secret"}',
        '{"code": "CONFLICT", "message": "secret", "hint": "[\\"secret\\"]"}',
        '{"code": "CONFLICT", "message": "", "hint": "{\\"a\\": \\"secret\\"}"}',
        '{"code": "conflict", "message": "secret", "hint": "{}"}',
    ],
)
async def test_what_only_looks_like_a_refusal_is_masked(person: Person, message: str) -> None:
    told = await person.refused(BY_HAND, message=message, detail='{"status": 409, "headers": {}}')
    assert told["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(told)


async def test_the_requests_id_leads_from_the_answer_to_the_functions_log(
    person: Person, refusing: StackInfo, functions_log: Callable[[], list[str]]
) -> None:
    variables = {"code": "PLAN_FULL", "message": SAID, "extensions": {}}
    body = {"query": WAYS["byFunction"], "variables": variables}
    async with person.http.post(person.url, json=body, headers={"Authorization": f"Bearer {person.token}"}) as answer:
        told = answer.headers["X-Request-Id"]
    lines = [json.loads(line) for line in functions_log() if told in line]
    assert [(line["function"], line["request_id"], line["code"]) for line in lines] == [("refuses", told, "PLAN_FULL")]


async def test_extensions_need_not_be_given(person: Person) -> None:
    for query in WAYS.values():
        assert await person.refused(query, code="PLAN_FULL", message=SAID, extensions={}) == {
            "code": "PLAN_FULL",
            "message": SAID,
        }


async def test_statuses_are_alike_for_those_who_ask_supabase_themselves(
    http: aiohttp.ClientSession, refusing: StackInfo, person: Person
) -> None:
    headers = {"apikey": refusing.publishable_key, "Authorization": f"Bearer {person.token}"}
    for code in sorted(RAISED_CODES):
        rest = {"code": code, "message": SAID, "extensions": '{"seats": 5}'}
        async with http.post(f"{refusing.api_url}/rest/v1/rpc/refuses", json=rest, headers=headers) as answer:
            by_sql = answer.status
            assert await answer.json() == {"code": code, "message": SAID, "details": None, "hint": '{"seats": 5}'}
        body = {"code": code, "message": SAID, "extensions": {"seats": 5}}
        async with http.post(f"{refusing.api_url}/functions/v1/refuses", json=body, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (by_sql, body)
        assert 400 <= by_sql < 600
        assert by_sql != 500
