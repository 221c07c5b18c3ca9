"""Invalidates cached answers and shared reads on a person's writes and on those that other gateways tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
from graphql import GraphQLError
from pydantic import BaseModel, ValidationError

from gql.errors import ApiError, ErrorCode
from resolvers.declared import DeclaredField
from tripgate.gateway.cache.answers import AnswerCache
from tripgate.gateway.operation import PreparedOperation
from tripgate.gateway.staleness.dependencies import gateway_write_tables
from tripgate.gateway.staleness.person_topics import root_tables
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


class _WriteMessage(BaseModel):
    """The message about a write to other gateways."""

    person: str | None
    tables: list[str]
    uncertain: bool


class Invalidation:
    """Called by the engine around mutations and before live changes are delivered.

    Args:
        answers: The cached answers; `None` where none are cached.
        sharing: The backend that shares reads; `None` where none are shared.
        peers: The gateways that must know of writes here; `None` for a gateway that stands alone.
    """

    def __init__(self, answers: AnswerCache | None, sharing: SharingBackend | None, peers: Peers | None = None) -> None:
        self.answers = answers
        self.sharing = sharing
        self.peers = peers

    def mutation_begins(self, prepared: PreparedOperation, caller: Caller) -> "RunningMutation":
        """Invalidate what the person has cached, before a mutation runs; its `end` must be called."""
        if self.sharing is not None:
            self.sharing.forget(caller.user_id)
        if self.answers is not None:
            self.answers.write_begins(caller)
        return RunningMutation(
            self, caller.user_id, sorted({table for root in prepared.roots for table in _written(root)})
        )

    def mutation_ended(self, write: "RunningMutation") -> None:
        """Invalidate what the mutation made stale, here and in the other gateways."""
        self._apply(write.user_id, write.tables, uncertain=write.uncertain)
        if self.peers is not None:
            message = {"person": write.user_id, "tables": write.tables, "uncertain": write.uncertain}
            self.peers.publish(orjson.dumps(message))

    def change_delivered(self, caller: Caller) -> None:
        """Share no read of this person that is under way, since it may be older than the live change delivered now."""
        if self.sharing is not None:
            self.sharing.forget(caller.user_id)

    def on_message(self, message: bytes) -> None:
        """End what a write through another gateway makes stale."""
        try:
            wrote = _WriteMessage.model_validate_json(message)
        except ValidationError:
            self.on_missed(disconnected=False)  # of another version, perhaps; whatever it says, something has changed
            return
        self._apply(wrote.person, wrote.tables, uncertain=wrote.uncertain)

    def on_missed(self, *, disconnected: bool) -> None:
        """Drop everything: writes through other gateways may have been missed. Cache nothing while disconnected."""
        if self.sharing is not None:
            self.sharing.forget_all()
        if self.answers is not None:
            self.answers.clear()
            self.answers.paused = disconnected

    async def close(self) -> None:
        """Disconnect from the other gateways and drop every cached answer."""
        if self.peers is not None:
            await self.peers.close()
        if self.answers is not None:
            self.answers.close()

    def _apply(self, user_id: str | None, tables: list[str], *, uncertain: bool) -> None:
        if self.sharing is not None:
            self.sharing.forget(user_id)
        if self.answers is not None:
            self.answers.written(user_id, tables, uncertain=uncertain)


@dataclass(slots=True, eq=False)
class RunningMutation:
    """A mutation that runs.

    Attributes:
        tables: Those that it writes to that are invalidated by gateway writes; and those of roots, since no topic tells
            a person of a root of their own making.
        uncertain: Whether what it wrote may still happen: nobody has said how it went.
    """

    _invalidation: Invalidation
    user_id: str | None
    tables: list[str]
    uncertain: bool = True

    def answered(self, errors: Sequence[GraphQLError]) -> None:
        """Record how it went, by its errors."""
        self.uncertain = any(_code(error) in _UNCERTAIN for error in errors)

    def end(self) -> None:
        """Invalidate what it wrote; to be called however it ended."""
        self._invalidation.mutation_ended(self)


def _written(root: Selected) -> frozenset[str]:
    """The tables that a root field of a mutation writes to, of those that other gateways must be told of."""
    if root.definition is None:
        return frozenset()
    told = gateway_write_tables() | root_tables()
    field = root.declaration
    if isinstance(field, DeclaredField):
        return told & {field.table.name}
    # A field with a body says so itself.
    return told & set(getattr(field, "metadata", {}).get("writes", ()))


def _code(error: GraphQLError) -> ErrorCode | None:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, ApiError):
        return original.code
    return ErrorCode.INTERNAL_SERVER_ERROR if original is not None else None
