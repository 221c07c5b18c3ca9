"""Every failure of PostgREST passes through the gateway, and nothing of what it says inside is seen outside."""

from collections.abc import AsyncIterator

import aiohttp
import psycopg.errors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql.errors import RAISED_CODES
from tests.identity.hostile import (
    ALL,
    CANARIES,
    READ,
    SECRET,
    WAYS,
    WRITE,
    Answer,
    Hostile,
    Transport,
    by_post,
    by_stream,
    check,
    errors_logged,
    hostile,
)
from tests.support import examples

# Appendix A of PostgreSQL's manual, whole.
SQLSTATES = sorted(
    {
        each.sqlstate
        for each in vars(psycopg.errors).values()
        if isinstance(each, type) and isinstance(getattr(each, "sqlstate", None), str)
    }
)
# What PostgREST documents as its own, and room for what it will.
POSTGREST = [f"PGRST{number:03}" for number in (*range(5), *range(100, 131), *range(200, 207), *range(300, 304))] + [
    "PGRSTX00"
]
# The last are the codes of our own functions, without the hint that `private.refuse` writes.
UNKNOWN = [
    *("", "XXXXX", "PGRST", "PGRST999", "PT500", "PT418", "22", "23505 " + SECRET, f"22{SECRET}", f"08{SECRET}"),
    *sorted(RAISED_CODES),
]
CODES = [*SQLSTATES, *POSTGREST, *UNKNOWN]

EXACTLY = {
    "23502": "BAD_USER_INPUT",
    "23503": "BAD_USER_INPUT",
    "23505": "CONFLICT",
    "23514": "BAD_USER_INPUT",
    "25006": "NOT_ENABLED",
    "25P03": "UPSTREAM_UNAVAILABLE",
    "25P04": "TIMEOUT",
    "26000": "UPSTREAM_UNAVAILABLE",
    "40001": "CONFLICT",
    "40P01": "CONFLICT",
    "42501": "FORBIDDEN",
    "42P05": "UPSTREAM_UNAVAILABLE",
    "57014": "TIMEOUT",
    "57P01": "UPSTREAM_UNAVAILABLE",
    "57P02": "UPSTREAM_UNAVAILABLE",
    "57P03": "UPSTREAM_UNAVAILABLE",
    "57P05": "UPSTREAM_UNAVAILABLE",
    "PGRST000": "UPSTREAM_UNAVAILABLE",
    "PGRST001": "UPSTREAM_UNAVAILABLE",
    "PGRST002": "UPSTREAM_UNAVAILABLE",
    "PGRST003": "TIMEOUT",
    "PGRST123": "NOT_ENABLED",
    "PGRST301": "UNAUTHENTICATED",
    "PGRST302": "UNAUTHENTICATED",
    "PGRST303": "UNAUTHENTICATED",
    "": "UPSTREAM_UNAVAILABLE",
}
EXISTS = {"reason": "ALREADY_EXISTS"}
BY_CLASS = {"08": "UPSTREAM_UNAVAILABLE", "22": "BAD_USER_INPUT", "53": "UPSTREAM_UNAVAILABLE"}


def public_code(code: str) -> str:
    """What a client is told of a failure of this code; whatever is not listed is a mistake of ours."""
    by_class = BY_CLASS.get(code[:2]) if len(code) == 5 else None
    return EXACTLY.get(code) or by_class or "INTERNAL_SERVER_ERROR"


def failure(code: object, **more: object) -> dict[str, object]:
    """A failure in PostgREST's form, with everything in it that must not be seen."""
    return {"code": code, "message": ALL, "details": ALL, "hint": None, "stack": ALL, **more}


@pytest.fixture(scope="module")
async def supabase(http: aiohttp.ClientSession) -> AsyncIterator[Hostile]:
    async with hostile(http) as found:
        yield found


def test_the_list_of_codes_is_whole() -> None:
    assert len(SQLSTATES) > 240
    assert set(SQLSTATES) > {"08006", "22P02", "23505", "40001", "42P01", "53300", "57P01", "P0001", "XX000"}


@pytest.mark.parametrize("query", [READ, WRITE], ids=["read", "write"])
async def test_every_code_of_postgres_and_postgrest(supabase: Hostile, query: str) -> None:
    told = {}
    with errors_logged() as ids:
        for code in CODES:
            supabase.says(rest=Answer.of(400, failure(code)))
            seen = await by_post(supabase.person, query)
            check(seen, ids)
            told[code] = seen.code
    # That the database takes no writes for the moment is nobody's mistake.
    expected = {code: public_code(code) for code in CODES}
    assert told == (expected if query is READ else {**expected, "25006": "UPSTREAM_UNAVAILABLE"})


@pytest.mark.parametrize(("query", "transport"), WAYS)
async def test_a_code_of_each_class_in_every_way(supabase: Hostile, query: str, transport: Transport) -> None:
    with errors_logged() as ids:
        for code in {code[:2]: code for code in SQLSTATES}.values():
            supabase.says(rest=Answer.of(500, failure(code)))
            seen = await transport(supabase.person, query)
            check(seen, ids)
            assert seen.code == public_code(code)


async def test_whoever_is_nobody_may_sign_in_where_others_are_refused(supabase: Hostile) -> None:
    supabase.says(rest=Answer.of(401, failure("42501")))
    with errors_logged() as ids:
        seen = await by_post(supabase.nobody, READ)
        check(seen, ids)
    assert seen.error["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("23505", 'duplicate key value violates unique constraint "trips_title_key"', {"field": "title", **EXISTS}),
        ("23514", 'new row for relation "trips" violates check constraint "trips_title_check"', {"field": "title"}),
        ("23503", 'insert on table "trips" violates foreign key constraint "fk_trips_user_id"', {"field": "ownerId"}),
        ("23502", 'null value in column "title" of relation "trips" violates not-null constraint', {"field": "title"}),
        ("22003", f"value {SECRET} is out of range", {}),
    ],
)
async def test_of_a_callers_own_mistake_its_place_and_the_hint_are_shown_and_nothing_else(
    supabase: Hostile, code: str, message: str, told: dict[str, str]
) -> None:
    supabase.says(rest=Answer.of(409, failure(code, message=message, hint="Take another.")))
    with errors_logged() as ids:
        seen = await by_post(supabase.person, WRITE)
        check(seen, ids)
    constraint = message.partition('constraint "')[2].strip('"')
    named = {"constraint": constraint} if constraint else {}
    known = {"code": public_code(code), "sqlstate": code, "hint": "Take another."}
    assert seen.error["extensions"] == {**known, **named, **told}


@pytest.mark.parametrize("code", ["23505", "23514", "23503", "23502", "22P02"])
@pytest.mark.parametrize("more", [f'; select "{SECRET}', f" {SECRET}", "x" * 64, f"\n{SECRET}", f"é{SECRET}"])
async def test_what_is_no_name_is_not_shown_as_one(supabase: Hostile, code: str, more: str) -> None:
    message = f'constraint "{more}" of column "{more}" of relation "{more}"'
    supabase.says(rest=Answer.of(400, failure(code, message=message, hint={"of": SECRET})))
    with errors_logged() as ids:
        seen = await by_post(supabase.person, WRITE)
        check(seen, ids)
    reason = EXISTS if code == "23505" else {}
    assert seen.error["extensions"] == {"code": public_code(code), "sqlstate": code, **reason}


BODIES = {
    "html": CANARIES[-1].encode(),
    "empty": b"",
    "no text": SECRET.encode() + bytes(range(256)),
    "half": b'{"code": "42501", "message": "' + SECRET.encode(),
    "null": b"null",
    "a number": b"7",
    "a text": f'"{SECRET}"'.encode(),
    "a list": f'["{SECRET}", {{"code": "{SECRET}"}}]'.encode(),
    "no code": f'{{"message": "{SECRET}", "hint": "{SECRET}"}}'.encode(),
    "a number as a code": f'{{"code": 42501, "message": "{SECRET}"}}'.encode(),
    "a list as a code": f'{{"code": ["{SECRET}"], "message": "{SECRET}"}}'.encode(),
    "no texts at all": f'{{"code": "23505", "message": ["{SECRET}"], "hint": 7, "details": {{}}}}'.encode(),
    "a huge one": b'{"code": "P0001", "message": "' + SECRET.encode() * 300_000 + b'"}',
    "a deep one": b"[" * 100_000,
}
BY_STATUS = {
    414: "BAD_USER_INPUT",
    429: "RATE_LIMITED",
    502: "UPSTREAM_UNAVAILABLE",
    503: "UPSTREAM_UNAVAILABLE",
    504: "TIMEOUT",
}
HEADERS = {
    "Content-Type": "text/html",
    "Location": f"http://{SECRET}.internal/",
    "Set-Cookie": f"session={SECRET}",
    "WWW-Authenticate": f'Bearer realm="{SECRET}"',
    "Proxy-Status": f"PostgREST; error={SECRET}",
    "Content-Range": f"0-1/{SECRET}",
    "Server": SECRET,
    "X-Powered-By": SECRET,
}


async def test_every_status_of_somebody_in_front(supabase: Hostile) -> None:
    statuses = [status for status in range(300, 600) if status != 304]
    told = {}
    with errors_logged() as ids:
        for status in statuses:
            supabase.says(rest=Answer(status, BODIES["html"], HEADERS))
            seen = await by_post(supabase.person, READ)
            check(seen, ids)
            told[status] = seen.code
    assert told == {status: BY_STATUS.get(status, "INTERNAL_SERVER_ERROR") for status in statuses}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_whatever_the_body_of_a_failure(supabase: Hostile, body: bytes) -> None:
    with errors_logged() as ids:
        for status in (302, 400, 404, 416, 500, 503):
            supabase.says(rest=Answer(status, body, HEADERS))
            for query in (READ, WRITE):
                seen = await by_post(supabase.person, query)
                check(seen, ids)
                assert seen.errors


ROWS = {
    "html": CANARIES[-1].encode(),
    "null": b"null",
    "a number": b"7",
    "a text": f'"{SECRET}"'.encode(),
    "texts": f'["{SECRET}"]'.encode(),
    "lists": f'[["{SECRET}"]]'.encode(),
    "nulls": b"[null]",
    "a failure": f'{{"code": "42501", "message": "{SECRET}"}}'.encode(),
    "other columns": f'[{{"passport": "{SECRET}"}}]'.encode(),
    "no date": f'[{{"id": "1", "title": "t", "end_date": "{SECRET}"}}]'.encode(),
    "half": f'[{{"id": "1", "title": "{SECRET}'.encode(),
    "half of many": b'[{"0":"1","title":"t","end_date":null},\n' * 5000 + SECRET.encode(),
    "no text": b'[{"id": "' + SECRET.encode() + b'\xff\xfe"}]',
}


@pytest.mark.parametrize("body", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("query", [READ, WRITE], ids=["read", "write"])
async def test_rows_that_are_none(supabase: Hostile, query: str, body: bytes) -> None:
    supabase.says(rest=Answer(200, body, HEADERS))
    with errors_logged() as ids:
        seen = await by_post(supabase.person, query)
        check(seen, ids)
    assert seen.code in {"INTERNAL_SERVER_ERROR", "UPSTREAM_UNAVAILABLE"}


async def test_how_long_to_wait_is_a_number_or_nothing(supabase: Hostile) -> None:
    told = {}
    waits = ["7", "0", "9" * 400, "-1", "1e9", "Fri, 31 Dec 9999 23:59:59 GMT", "1 Jan 99999999999 0:0", SECRET]
    for wait in waits:
        supabase.says(rest=Answer.of(503, failure("PGRST000"), **{"Retry-After": wait}))
        seen = await by_post(supabase.person, READ)
        assert SECRET not in seen.text
        told[wait] = seen.error["extensions"].get("retryAfter")
    assert told == dict(zip(waits, [7, 1, 86_400, None, None, 86_400, None, None], strict=True))


texts = st.sampled_from([*CANARIES, SECRET, "", "23505", "42501", "22P02", "PGRST301", 'constraint "x"'])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "message", "hint", "details", "end_date", SECRET]), inner)
    ),
    max_leaves=8,
)
answers = st.builds(
    Answer.of,
    st.integers(200, 599).filter(lambda status: status not in {204, 205, 304}),
    anything | st.fixed_dictionaries({"code": texts | anything}, optional={"message": texts, "details": texts}),
    Retry_After=st.just("1") | st.text("0123456789", min_size=1),
)


@pytest.mark.parametrize("transport", [by_post, by_stream])
@settings(max_examples=examples(25), deadline=None)
@given(answer=answers, query=st.sampled_from([READ, WRITE]))
async def test_any_answer_at_all(supabase: Hostile, transport: Transport, answer: Answer, query: str) -> None:
    supabase.says(rest=answer)
    with errors_logged() as ids:
        check(await transport(supabase.person, query), ids)
