"""What every rendered request consists of, and how a client's text enters it."""

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass, field
from urllib.parse import quote

from gql.schemas import bare
from gql.table import by_function
from tripgate.planner.plan import Aggregate, Compare, Operator, Pick, Read
from tripgate.upstream.postgrest.long_rows import Postprocess
from tripgate.upstream.postgrest.render.seams import Seam


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the REST address: what a plan is when it is prepared.

    Attributes:
        path: Path and query, percent-encoded, beginning with the table.
        prefer: The `Prefer` header, or empty.
        exactly: How many rows a write must touch, as header `X-Exactly` tells the database; see `expect_rows` there.
        plan: What it was rendered from, to be shown when it is slow.
        identity: Of a read, all that it asks for, whatever its method; `None` for a request that changes something,
            which may not be sent again when nobody knows whether it arrived.
        postprocess: What is still to be done with the rows of the answer.
        texts: What it compares with and is too long for its path; in headers, see `long_texts`.
        schema: The Postgres schema that it is about, as a header says; empty for the first that PostgREST knows.
        seams: What is read further, of other schemas, by the rows of the answer.
    """

    method: str
    path: str
    prefer: str = ""
    body: bytes | None = None
    exactly: int | None = None
    plan: object = field(default=None, compare=False, repr=False)
    identity: Hashable | None = field(default=None, compare=False, repr=False)
    postprocess: Postprocess | None = field(default=None, compare=False, repr=False)
    texts: tuple[str, ...] = ()
    schema: str = ""
    seams: tuple[Seam, ...] = ()

    @classmethod
    def reading(
        cls, path: str, prefer: str, plan: object, body: bytes | None = None, postprocess: Postprocess | None = None
    ) -> "Request":
        """A request that changes nothing: by GET, or with a body by POST."""
        method = "GET" if body is None else "POST"
        return cls(method, path, prefer, body, None, plan, (path, prefer, body), postprocess)

    def within(self, name: str) -> "Request":
        """The same request to the schema of this table or function, as a plan calls it."""
        schema, _, _ = name.rpartition(".")
        if not schema:
            return self
        identity = None if self.identity is None else (self.identity, schema)
        return dataclasses.replace(self, schema=schema, identity=identity)

    def followed_by(self, seams: tuple[Seam, ...], plan: object) -> "Request":
        """The same request as the first of those that a read of several schemas takes."""
        return dataclasses.replace(self, seams=seams, plan=plan, identity=(self.identity, seams))

    def comparing(self, texts: tuple[str, ...], plan: object) -> "Request":
        """The same read, beside which these texts travel."""
        return dataclasses.replace(self, texts=texts, plan=plan, identity=(self.identity, texts))

    @property
    def shown(self) -> dict[str, str]:
        """Method and path, and the schema where it is not the first, for people who develop."""
        shown = {"method": self.method, "path": f"/rest/v1/{self.path}"}
        return {**shown, "schema": self.schema} if self.schema else shown


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """The request for one row but for its key, which stands between two parts of the path."""

    read: Read
    column: str
    before: str
    after: str
    postprocess: Postprocess | None
    texts: tuple[str, ...] = ()
    schema: str = ""
    seams: tuple[Seam, ...] = ()

    def with_key(self, key: str) -> Request:
        """The request for the row with this key."""
        plan = dataclasses.replace(self.read, where=Compare(self.column, Operator.EQ, key))
        path = f"{self.before}{percent(key)}{self.after}"
        request = Request("GET", path, "", None, None, plan, (path, "", None), self.postprocess)
        if self.schema:
            request = request.within(self.read.table)
        if self.texts:
            request = request.comparing(self.texts, plan)
        return request.followed_by(self.seams, plan) if self.seams else request


def percent(text: str) -> str:
    """Percent-encode every byte that could mean something in a query string."""
    return quote(text, safe="")


def quoted(text: str) -> str:
    """A value inside `and=(…)`, `or=(…)` or `in.(…)`: double-quoted, then percent-encoded."""
    return percent('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def related_name(table: str, via: str, *, of: str, many: bool = False) -> str:
    """What an embed names: the related table, and the foreign key by its column.

    A key of a table to itself has two ends of one name: with the table's name PostgREST takes the rows that refer to a
    row, and with the column's the one that it refers to. A computed relationship is named alone.
    """
    if (function := by_function(via)) is not None:
        return function
    return via if table == of and not many else f"{bare(table)}!{via}"


def pick_text(pick: Pick) -> str:
    """A selected column under its cast."""
    return pick.column if pick.cast is None else f"{pick.column}::{pick.cast}"


def aggregate_text(aggregate: Aggregate) -> str:
    """A selected computation under its alias and cast."""
    alias = "" if aggregate.alias == aggregate.function else f"{aggregate.alias}:"
    column = "" if aggregate.column is None else f"{aggregate.column}."
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"{alias}{column}{aggregate.function}(){cast}"
