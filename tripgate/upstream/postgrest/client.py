"""Execute rendered requests against PostgREST with the caller's own token, so that row level security decides."""

import asyncio
import dataclasses
import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from gql.catalog import catalog
from gql.errors import RAISED_CODES, ApiError, bad_input
from gql.table import Table
from tripgate.planner.plan import FunctionCall, Read
from tripgate.planner.rows import Row
from tripgate.upstream.backend import Asked, Backend, BackendError, JoinedRows, Plan, RelatedTables, Rows
from tripgate.upstream.caller import Caller
from tripgate.upstream.database_errors import CHANGES_SOMETHING, failure_of_read
from tripgate.upstream.http_client import HttpClient
from tripgate.upstream.http_connection import Answer
from tripgate.upstream.postgrest.errors import TOOK_TOO_LONG, out_of_order, public_error, transient
from tripgate.upstream.postgrest.long_rows import rows_of
from tripgate.upstream.postgrest.render import (
    KeyedRequest,
    Request,
    header_lines,
    keyed_request,
    read_request,
    value_request,
    write_request,
)
from tripgate.upstream.postgrest.transport import PostgrestTransport
from tripgate.upstream.resilience.failures import retry_after, unavailable, whole_seconds
from tripgate.upstream.resilience.policy import Fault, Policy

LONGEST_PATH = 48_000
"""Bytes of path and query. PostgREST reads at most 50 KiB of a request before its body, headers included."""

_URI_TOO_LONG = 414
_TOO_MANY_REQUESTS = 429
_CODE = re.compile(r"[0-9A-Z]{5}|PGRST[0-9A-Z]{3}|" + "|".join(sorted(RAISED_CODES)))
# What it means when somebody in front of PostgREST answers in its place.
_STATUS_CODES = {429: "PT429", 502: "PGRST000", 503: "PGRST000", 504: "PGRST003"}


class PostgrestBackend(Backend):
    """Asks PostgREST.

    Args:
        http: Carries connections to PostgREST only, never a caller's headers.
        api_key: The publishable key; an anonymous caller sends nothing else.
        policy: How long and how often PostgREST is asked.
    """

    def __init__(self, http: HttpClient, api_key: str, policy: Policy[Answer]) -> None:
        self._transport = PostgrestTransport(http, api_key)
        self._policy = policy

    def prepare(self, plan: Plan) -> Request:
        """The request for a plan."""
        if isinstance(plan, FunctionCall):
            return value_request(plan)
        return read_request(plan) if isinstance(plan, Read) else write_request(plan)

    def prepare_by_key(self, read: Read, column: str) -> KeyedRequest:
        """The request for a row of a key."""
        return keyed_request(read, column)

    async def fetch(self, prepared: Any, caller: Caller, table: Table | None, related: RelatedTables = ()) -> Rows:
        """Send a `Request` that was prepared, and read its answer.

        Raises:
            ApiError: As `Backend.fetch`; OVERLOADED, and nothing is sent, when too many ask; BAD_USER_INPUT, likewise,
                for more than a URL holds.
        """
        request: Request = prepared
        if request.seams:
            return await self._joined(request, caller, table)
        if len(request.path) > LONGEST_PATH or (request.texts and not _fits(request)):
            raise _too_long()
        attempt = partial(self._transport.send, request, caller)
        answer = await self._policy.ask(attempt, caller.user_id, repeatable=request.identity is not None)
        status = answer.status
        total = _total(answer.headers.get(b"content-range", b"")) if request.prefer == "count=exact" else None
        if 200 <= status < 300:
            return Rows(rows_of(answer.body, request.postprocess), total, status)
        if status == 416 and total is not None:
            # An offset past the end: no rows, and PostgREST still says how many there are.
            return Rows([], total, status)
        if status == _URI_TOO_LONG:
            # Of a proxy that takes less than PostgREST does.
            raise _too_long() from _failure(status, answer.body)
        failure = _failure(status, answer.body)
        if request.identity is not None:
            failure = failure_of_read(failure, request.plan)
        elif failure.code == CHANGES_SOMETHING:
            # It is no mistake to write: the database is a standby, or was told to take nothing for the moment.
            raise unavailable() from failure
        error = public_error(failure, caller, table, related)
        seconds = whole_seconds(retry_after(answer.headers.get(b"retry-after")))
        # PostgREST tells with any status 503 when it is back itself, also with one that a function has raised.
        if seconds is not None and failure.code not in RAISED_CODES:
            error.extensions["retryAfter"] = seconds
        raise error from failure

    async def _joined(self, request: Request, caller: Caller, table: Table | None) -> JoinedRows:
        """The rows of a request with what is read further by them, all seams at once."""
        first = await self.fetch(dataclasses.replace(request, seams=()), caller, table)
        ended = time.perf_counter()
        rows = list(first.rows)
        reads = [(seam, read) for seam in request.seams for read in seam.reads(rows)]
        answers = await asyncio.gather(*(self._further(read, caller) for _, read in reads))
        for seam in request.seams:
            found = [row for (of, _), (part, _) in zip(reads, answers, strict=True) if of is seam for row in part]
            seam.add(rows, found)
        return JoinedRows(rows, first.total, first.status, ended, tuple(each for _, asked in answers for each in asked))

    async def _further(self, read: Read, caller: Caller) -> tuple[Sequence[Row], tuple[Asked, ...]]:
        """The rows of a further read, and all that was asked for them."""
        prepared = self.prepare(read)
        began = time.perf_counter()
        found = await self.fetch(prepared, caller, catalog.find(read.table))
        ended = time.perf_counter()
        further: tuple[Asked, ...] = ()
        if isinstance(found, JoinedRows):
            ended, further = found.ended, found.further
        return found.rows, (Asked(read, prepared.shown, began, ended, found.status, len(found.rows)), *further)


def fault(answer: Answer) -> Fault | None:
    """What an answer of status 400 and above says about PostgREST and what lies behind it."""
    after = retry_after(answer.headers.get(b"retry-after"))
    if answer.status == _TOO_MANY_REQUESTS:
        # Only who says when is asked again: others would have even more to refuse.
        return Fault(transient=after is not None, opens_breaker=False, retry_after=after)
    error = _failure(answer.status, answer.body)
    code = str(error.code or "")
    if code in TOOK_TOO_LONG:
        # What one person asks for must not close the way for all; that nothing answers a proxy may.
        return Fault(transient=False, opens_breaker=error.message == _not_its_words(answer.status), late=True)
    return Fault(transient=transient(code), opens_breaker=True, retry_after=after) if out_of_order(code) else None


def _fits(request: Request) -> bool:
    """Whether PostgREST reads all of it, its long texts included."""
    lines = header_lines(request.texts)
    return len(request.path) + sum(len(name) + len(value) for name, value in lines) < LONGEST_PATH


def _too_long() -> ApiError:
    return bad_input(
        "The filter and the cursors of this field are too long for one request. Split the longest list over several "
        "requests, or compare with shorter texts; only a list of ids may be longer, in `id: { in: [...] }` at the top "
        "of the filter of a root field."
    )


def _total(content_range: bytes) -> int | None:
    count = content_range.rpartition(b"/")[2]
    return int(count) if count.isdigit() else None


def _failure(status: int, body: bytes) -> BackendError:
    """What an answer of status 400 and above says."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or "code" not in found:
        # Not PostgREST's own words: a gateway in front of it, or nothing behind that.
        return BackendError(_STATUS_CODES.get(status), _not_its_words(status), status=status)
    # A server process of Postgres that was killed leaves PostgREST with nothing to say, and status 400.
    code = found["code"] or "PGRST001"
    known = isinstance(code, str) and _CODE.fullmatch(code) is not None
    message, hint, details = (
        text if isinstance(text := found.get(name), str) else None for name in ("message", "hint", "details")
    )
    return BackendError(code if known else None, message, hint=hint, details=details, status=status)


def _not_its_words(status: int) -> str:
    return f"HTTP status {status} without a PostgREST error"
