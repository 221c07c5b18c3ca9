"""What ends kept answers and shared reads: a person's writes, and the writes that other gateways tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
from graphql import GraphQLError
from pydantic import BaseModel, ValidationError
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gql.errors import ApiError, ErrorCode
from resolvers.declared import DeclaredField
from tripgate.gateway.cache.answers import AnswerCache
from tripgate.gateway.cache.hints import TRIPS, untold_tables
from tripgate.gateway.operation import Prepared
from tripgate.planner.selection import Selected
from tripgate.upstream.caller import Caller
from tripgate.upstream.sharing import SharingBackend

_UNCERTAIN = frozenset({ErrorCode.TIMEOUT, ErrorCode.UPSTREAM_UNAVAILABLE, ErrorCode.INTERNAL_SERVER_ERROR})


class Peers(Protocol):
    """The other gateways of the same project."""

    def open(self) -> None:
        """Listen to them."""

    def publish(self, message: bytes) -> None:
        """Send a message to all of them, in the background."""

    async def close(self) -> None:
        """Send and receive no more messages."""


class _Wrote(BaseModel):
    """What one gateway tells the others of a write."""

    person: str | None
    tables: list[str]
    uncertain: bool


class Keeping:
    """Told of writes, and of what people have been shown, by whoever runs operations.

    Args:
        answers: The kept answers; `None` where none are kept.
        sharing: The backend that shares reads; `None` where none are shared.
        peers: The gateways that must know of writes here; `None` for a gateway that stands alone.
    """

    def __init__(self, answers: AnswerCache | None, sharing: SharingBackend | None, peers: Peers | None = None) -> None:
        self.answers = answers
        self.sharing = sharing
        self.peers = peers

    def begin(self, prepared: Prepared, caller: Caller) -> "Write":
        """A mutation is about to run."""
        if self.sharing is not None:
            self.sharing.forget(caller.user_id)
        if self.answers is not None:
            self.answers.writing(caller)
        return Write(self, caller.user_id, sorted({table for root in prepared.roots for table in _written(root)}))

    def ended(self, write: "Write") -> None:
        """A mutation has run, or has been given up."""
        self._wrote(write.user_id, write.tables, uncertain=write.uncertain)
        if self.peers is not None:
            told = {"person": write.user_id, "tables": write.tables, "uncertain": write.uncertain}
            self.peers.publish(orjson.dumps(told))

    def shown(self, caller: Caller) -> None:
        """A live change is about to be shown to somebody: a read that began before it may be too old for them."""
        if self.sharing is not None:
            self.sharing.forget(caller.user_id)

    def on_message(self, message: bytes) -> None:
        """End what a write through another gateway makes stale."""
        try:
            wrote = _Wrote.model_validate_json(message)
        except ValidationError:
            self.on_missed(disconnected=False)  # of another version, perhaps; whatever it says, something has changed
            return
        self._wrote(wrote.person, wrote.tables, uncertain=wrote.uncertain)

    def on_missed(self, *, disconnected: bool) -> None:
        """Drop everything: writes through other gateways may have been missed. Cache nothing while disconnected."""
        if self.sharing is not None:
            self.sharing.forget_all()
        if self.answers is not None:
            self.answers.clear()
            self.answers.paused = disconnected

    async def close(self) -> None:
        """Keep nothing any more."""
        if self.peers is not None:
            await self.peers.close()
        if self.answers is not None:
            self.answers.close()

    def _wrote(self, user_id: str | None, tables: list[str], *, uncertain: bool) -> None:
        if self.sharing is not None:
            self.sharing.forget(user_id)
        if self.answers is not None:
            self.answers.wrote(user_id, tables, uncertain=uncertain)


@dataclass(slots=True, eq=False)
class Write:
    """A mutation under way.

    Attributes:
        tables: Those that it writes to which several people see and nobody is told of; and `trips`, since nobody tells
            a person of a trip of their own making.
        uncertain: Whether what it wrote may still happen: nobody has said how it went.
    """

    _keeping: Keeping
    user_id: str | None
    tables: list[str]
    uncertain: bool = True

    def answered(self, errors: Sequence[GraphQLError]) -> None:
        """It has run, with these errors."""
        self.uncertain = any(_code(error) in _UNCERTAIN for error in errors)

    def end(self) -> None:
        """It is over; to be called in any case."""
        self._keeping.ended(self)


def _written(root: Selected) -> frozenset[str]:
    """The tables that a root field of a mutation writes to, of those that others must be told of from here."""
    if root.definition is None:
        return frozenset()
    field = root.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if isinstance(field, DeclaredField):
        return (untold_tables() | {TRIPS}) & {field.table.name}
    # A field with a body says so itself.
    return untold_tables() & set(getattr(field, "metadata", {}).get("writes", ()))


def _code(error: GraphQLError) -> ErrorCode | None:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, ApiError):
        return original.code
    return ErrorCode.INTERNAL_SERVER_ERROR if original is not None else None
