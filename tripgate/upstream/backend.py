"""What stands between the gateway and the rows: a backend makes plans ready, runs them as a caller and answers rows.

Whoever reads or writes rows knows this protocol alone. How a plan is asked for is the backend's affair; row level
security decides what the caller sees. To watch or share what is asked, wrap a backend in another that holds it.
"""

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gql.errors import ApiError, ErrorCode
from gql.table import Table
from tripgate.planner.plan import Call, FunctionCall, Read, Write
from tripgate.planner.planner import ConnectionPlan, ObjectPlan
from tripgate.upstream.caller import Caller

Plan = Read | Write | FunctionCall

AnswerPlan = ConnectionPlan | ObjectPlan
"""What is read, and what is answered of it."""

RelatedTables = tuple[tuple[str, Table, str], ...]
"""Tables that one write fills beside its own, each between the field that holds its rows, as in `items`, and the column
that refers to the rows above, which is no field there."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a plan answers.

    Attributes:
        rows: As `tripgate.planner.rows` says. Several askers may hold the same, so nobody changes them.
        total: How many rows match on all pages, where that was asked for beside them.
        status: The answer's HTTP status, to be shown; `None` where there is no HTTP.
        text: In place of rows, the finished answer as JSON, where that was prepared; `count` rows are in it.
    """

    rows: Sequence[dict[str, Any]]
    total: int | None = None
    status: int | None = None
    text: bytes | None = field(default=None, kw_only=True)
    count: int | None = field(default=None, kw_only=True)

    @property
    def number(self) -> int:
        """How many rows there are, as objects or in a text."""
        return len(self.rows) if self.count is None else self.count


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of several that a plan took, to be shown; times by `time.perf_counter`."""

    plan: object
    shown: Mapping[str, str]
    began: float
    ended: float
    status: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class JoinedRows(Rows):
    """Rows that were put together from several requests.

    Attributes:
        ended: When the first had been answered.
        further: Those after the first.
    """

    ended: float = 0.0
    further: tuple[Asked, ...] = ()


class PreparedPlan(Protocol):
    """A plan made ready, to be fetched any number of times, for any caller. It belongs to the backend that made it and
    to all that wrap that one."""

    @property
    def plan(self) -> object:
        """The plan, to be shown."""

    @property
    def identity(self) -> Hashable | None:
        """Equal for two reads that ask for the same; `None` for what changes something, which is never shared."""

    @property
    def shown(self) -> Mapping[str, str]:
        """What is sent, for people who develop, as in `method` and `path`."""


class PreparedByKey(Protocol):
    """A read of one row, made ready but for its key."""

    @abstractmethod
    def with_key(self, key: str) -> PreparedPlan:
        """The read of the row with this key."""


class BackendError(Exception):
    """How the database or what stands before it refused or failed. Not for clients: it may hold row contents.

    Attributes:
        code: An SQLSTATE, or a code of the service before the database; `None` where it is not known.
        details: Holds row contents, and so may `hint`.
        status: The answer's HTTP status, where there is one.
    """

    def __init__(
        self,
        code: str | None,
        message: str | None = None,
        *,
        hint: str | None = None,
        details: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotExactlyError(ApiError):
    """A write would have touched another number of rows than was meant, so the database undid it."""

    def __init__(self) -> None:
        message = "Something changed meanwhile, so nothing was written. Try again."
        super().__init__(ErrorCode.CONFLICT, message, reason="CHANGED_MEANWHILE")


class Backend(Protocol):
    """Reads and writes tables as the caller.

    A backend implements `prepare`, `prepare_by_key` and `fetch`; the rest follows from them.
    """

    @abstractmethod
    def prepare(self, plan: Plan) -> PreparedPlan:
        """Make a plan ready, once, to be fetched often.

        Raises:
            ApiError: BAD_USER_INPUT for a plan that this backend cannot ask for.
        """

    @abstractmethod
    def prepare_by_key(self, read: Read, column: str) -> PreparedByKey:
        """Make a read without condition ready whose row is found by this column's value, which is still open."""

    @abstractmethod
    async def fetch(
        self, prepared: PreparedPlan, caller: Caller, table: Table | None, related: RelatedTables = ()
    ) -> Rows:
        """Run what was prepared.

        Args:
            table: The plan's mapped table, to name the field behind a failure; `None` for a plain value.
            related: The other tables that a write fills, likewise.

        Raises:
            NotExactlyError: A write would have touched more or fewer rows than it says; nothing is changed.
            ApiError: By the kind of failure, a BackendError its cause where there was an answer. After TIMEOUT or
                UPSTREAM_UNAVAILABLE a write may have happened.
            BackendError: A failure that no caller could have brought about.
        """

    def prepare_answer(self, plan: AnswerPlan) -> PreparedPlan | None:
        """Make a plan ready to be fetched as its finished answer; `None` where rows must be read."""
        del plan
        return None

    def prepare_answer_by_key(self, plan: ObjectPlan, column: str) -> PreparedByKey | None:
        """The same of the row, read without condition, that is found by this column's value, which is still open."""
        del plan, column
        return None

    def gathering(self) -> "Backend":
        """This backend for one operation of one caller. What is asked of it at the same moment may be asked at once,
        and then sees one state of the database."""
        return self

    async def read(self, read: Read, caller: Caller, table: Table) -> Rows:
        """Rows that the caller may see. Raises as `fetch`."""
        return await self.fetch(self.prepare(read), caller, table)

    async def write(
        self, write: Write, caller: Caller, table: Table, related: RelatedTables = ()
    ) -> Sequence[dict[str, Any]]:
        """The rows written; none where no row was visible or permitted. Raises as `fetch`."""
        return (await self.fetch(self.prepare(write), caller, table, related)).rows

    async def call(self, function: str, caller: Caller) -> None:
        """Call a function of the database that takes and returns nothing. Raises as `fetch`."""
        await self.fetch(self.prepare(Call(function, {}, ())), caller, None)
