"""All live queries of a process, by the token, document and variables that they share; and what hears of changes."""

import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial

from graphql import GraphQLError
from graphql.execution.values import VariableValues

from resolvers.context import Context
from tripgate.gateway.live.query import Charge, Follower, LiveQuery, Pace
from tripgate.gateway.staleness.dependencies import Dependencies, dependencies
from tripgate.gateway.staleness.person_topics import PersonTopics, TopicBudget
from tripgate.gateway.staleness.scope_topics import RowKeys
from tripgate.planner.selection import Selected
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.relay import Relay
from tripgate.upstream.resilience.bulkhead import Bulkhead

_UNKNOWN = Dependencies(0, frozenset(), by_topic=False, scopes=())


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms somebody follows.

    Attributes:
        shared_by: What all have in common who may share answers, but for the token; `None` for what is not shared.
        cost: What each read costs.
        charge: Counts it; `None` where nothing is counted.
    """

    shared_by: tuple[object, ...] | None = None
    cost: int = 0
    charge: Charge | None = None


_ALONE = Terms()
_Key = tuple[object, ...]


class LiveQueries:
    """Follows queries for all who ask.

    Args:
        row_keys: Finds which rows of a scope somebody may see.
        reads: How many reads run at once.
        reads_of_one: How many of one person's.
        topics: How many topics are joined at once, each person's counted by itself.
    """

    def __init__(
        self, relay: Relay, row_keys: RowKeys, pace: Pace, *, reads: int, reads_of_one: int, topics: int
    ) -> None:
        self._relay = relay
        self._row_keys = row_keys
        self._pace = pace
        self._bulkhead = Bulkhead(width=reads, queue=sys.maxsize, share=reads_of_one)
        self._budget = TopicBudget(topics)
        self._queries: dict[_Key, LiveQuery] = {}
        self._people: dict[str | None, _Person] = {}
        self._followers: set[Follower] = set()
        self._closed_reads = 0

    @property
    def followers(self) -> int:
        """How many subscriptions follow a query."""
        return len(self._followers)

    @property
    def queries(self) -> int:
        """How many queries they follow."""
        return len(self._queries)

    @property
    def reads(self) -> int:
        """How many reads there have been."""
        return self._closed_reads + sum(query.reads for query in self._queries.values())

    async def follow(
        self, context: Context, selected: Selected, variables: VariableValues, terms: Terms = _ALONE
    ) -> AsyncGenerator[dict[str, object], None]:
        """The answers to a `LiveRead`, as they are sent: the first at once, then each that differs.

        Raises:
            ApiError: What the read raises, if it does not pass; UNAUTHENTICATED when the token expires.
        """
        place = _Place(self, context, selected, variables, terms)
        follower = Follower(context.caller, place.enter)
        self._followers.add(follower)
        context.live.add(follower)
        try:
            place.enter(follower)
            async for payload in follower:
                yield payload
        finally:
            context.live.discard(follower)
            self._followers.discard(follower)
            follower.close()
            place.leave(follower)

    def end(self) -> None:
        """End every subscription, once what waits for its reader has been handed out."""
        for follower in list(self._followers):
            follower.end()

    def query(
        self, key: _Key, context: Context, selected: Selected, variables: VariableValues, terms: Terms
    ) -> LiveQuery:
        """The query of this key, begun where there is none."""
        found = self._queries.get(key)
        if found is not None and not found.over:
            return found
        caller = context.caller
        person = self._people.get(caller.user_id)
        if person is None:
            person = self._people[caller.user_id] = _Person(self._relay, self._row_keys, self._budget)
        query = self._queries[key] = LiveQuery(
            # Its own plans: those of others end with their requests.
            replace(context, live=set()),
            selected,
            variables,
            _dependencies(selected, variables),
            person,
            self._pace,
            self._bulkhead,
            cost=terms.cost,
            charge=terms.charge,
        )
        person.queries.add(query)
        return query

    def left(self, key: _Key, query: LiveQuery, caller: Caller) -> None:
        """End a query that nobody follows any more."""
        query.close()
        self._closed_reads += query.reads
        if self._queries.get(key) is query:
            del self._queries[key]
        person = self._people.get(caller.user_id)
        if person is not None:
            person.queries.discard(query)
            if not person.queries:
                person.close()
                del self._people[caller.user_id]


class _Place:
    """Where one follower gets its answers from: another query once its token is another."""

    __slots__ = ("_at", "_context", "_queries", "_selected", "_terms", "_variables")

    def __init__(
        self, queries: LiveQueries, context: Context, selected: Selected, variables: VariableValues, terms: Terms
    ) -> None:
        self._queries = queries
        self._context = context
        self._selected = selected
        self._variables = variables
        self._terms = terms
        self._at: tuple[_Key, LiveQuery, Caller] | None = None

    def enter(self, follower: Follower) -> None:
        """Follow the query of the follower's token, and the one before it no longer."""
        caller = follower.caller
        shared_by = self._terms.shared_by if self._terms.shared_by is not None else (self,)
        key = (caller.token, *shared_by)
        context = replace(self._context, caller=caller)
        query = self._queries.query(key, context, self._selected, self._variables, self._terms)
        query.readers[follower] = None
        before, self._at = self._at, (key, query, caller)
        if before is not None and before[1] is not query:
            self._left(follower, *before)
        if query.fresh is not None:
            follower.offer(query.fresh)
        elif query.answer is not None:
            query.changed()

    def leave(self, follower: Follower) -> None:
        """Follow nothing any more."""
        if self._at is not None:
            self._left(follower, *self._at)
            self._at = None

    def _left(self, follower: Follower, key: _Key, query: LiveQuery, caller: Caller) -> None:
        query.readers.pop(follower, None)
        if not query.readers:
            self._queries.left(key, query, caller)


class _Person:
    """What is heard on behalf of one person, and the queries that it concerns."""

    __slots__ = ("_make", "queries", "topics")

    def __init__(self, relay: Relay, row_keys: RowKeys, budget: TopicBudget) -> None:
        self.queries: set[LiveQuery] = set()
        self._make = partial(PersonTopics, relay, row_keys, budget, self._changed)
        self.topics = self._make()

    def hears(self, caller: Caller, dependencies: Dependencies) -> bool:
        """See `Ears`."""
        if self.topics.expired and not caller.expired:
            self.topics.close()
            self.topics = self._make()
        self.topics.join(caller, dependencies.scopes)
        return self.topics.joined(dependencies.scopes)

    def close(self) -> None:
        """Listen to nothing any more."""
        self.topics.close()

    def _changed(self, scope: str | None, keys: frozenset[str] | None, table: str | None) -> None:
        for query in self.queries:
            if query.dependencies.concerned(scope, keys, table):
                query.changed()


def _dependencies(selected: Selected, variables: VariableValues) -> Dependencies:
    try:
        return dependencies((selected,), variables)
    except GraphQLError:
        return _UNKNOWN  # whoever makes the answer says what is wrong
