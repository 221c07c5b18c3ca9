"""What the schema says of an operation's answer: how long it may be cached, and which changes invalidate it earlier.

After Apollo's `@cacheControl`: the least `maxAge` of its fields counts. A field of the operation's root, and every
field of an object, is not cached unless it or its type says otherwise; a plain value may be cached for as long as the
object that it is part of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, get_named_type, is_leaf_type
from graphql.execution.values import VariableValues
from strawberry.types.unset import UNSET

from gql.caching import CacheControl, CacheControlDirective, InvalidatedBy
from gql.strawberry_definition import strawberry_definition
from gql.table import Table, catalog
from resolvers.declared import DeclaredField
from tripgate.planner.selection import Selected

_OF_THE_SAME_TABLE = frozenset({"and", "or", "not", "some", "none", "every"})
_TRIP_ID = "tripId"

TRIPS = "trips"


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of an answer before it is made.

    Attributes:
        seconds: How long it may be cached; more than 0.
        tables: The tables whose changes may alter it, by their SQL names.
        by_topic: Whether changes of any of them come on the topics of trips.
        trips: The only trips whose topics matter; `None` where it may be any of those that the caller may see.
    """

    seconds: int
    tables: frozenset[str]
    by_topic: bool
    trips: frozenset[str] | None


def hint(roots: tuple[Selected, ...], variables: VariableValues) -> Hint | None:
    """The hint of the answer to these root fields of a query; `None` where it may not be cached.

    Raises:
        GraphQLError: An argument does not fit its type once its variables are known.
    """
    found = _Found()
    for root in roots:
        if root.definition is not None and not found.root(root, variables):
            return None
    if not found.seconds:
        return None
    tables = frozenset(found.tables)
    by_topic = not tables.isdisjoint(topic_tables())
    return Hint(found.seconds, tables, by_topic, frozenset(found.trips) if found.trips is not None else None)


@cache
def topic_tables() -> frozenset[str]:
    """The tables whose changes come on the topics of trips."""
    return _named(InvalidatedBy.SCOPE_TOPIC)


@cache
def gateway_write_tables() -> frozenset[str]:
    """The tables that several people see, and whose changes only gateways tell each other of."""
    return _named(InvalidatedBy.GATEWAY_WRITES)


def _named(invalidated_by: InvalidatedBy) -> frozenset[str]:
    return frozenset(
        table.name for table in catalog if table.cache is not None and table.cache.invalidated_by is invalidated_by
    )


class _Found:
    """What the fields seen so far say together."""

    def __init__(self) -> None:
        self.seconds: int | None = None
        self.tables: set[str] = set()
        self.trips: set[str] | None = set()

    def root(self, selected: Selected, variables: VariableValues) -> bool:
        """Take a root field in; whether its answer may be cached."""
        assert selected.definition is not None  # noqa: S101 - the caller knows
        field = strawberry_definition(selected.definition)
        if not isinstance(field, DeclaredField) or not self._may_last(selected, at_root=True):
            return False
        if field.extensions:  # permission, for one, is asked each time
            return False
        table = field.table
        arguments = selected.arguments(variables)
        if self.trips is not None and not topic_tables().isdisjoint(_looked_at(table)):
            trip = _trip_named(table, arguments) if table.name in topic_tables() else None
            self.trips = None if trip is None else {*self.trips, trip}
        return self._rows(table) and self._arguments(table, arguments) and self._below(selected, table, variables)

    def _below(self, selected: Selected, table: Table, variables: VariableValues) -> bool:
        return all(self._field(child, table, variables) for child in selected.children)

    def _field(self, selected: Selected, table: Table, variables: VariableValues) -> bool:
        """Take a field of an object in, which is a row of this table or holds such."""
        if selected.definition is None:
            return True
        if not self._may_last(selected, at_root=False):
            return False
        if not self._own(table.field_caches.get(selected.name)):
            return False
        # A row's own fields; what holds rows, or what is computed over them, has none that lead to other tables.
        relation = table.relations.get(selected.name) if selected.parent_type.name == table.type_name else None
        if relation is None:
            return self._below(selected, table, variables)
        self._leaves(table)
        target = catalog[relation.target]
        return (
            self._rows(target)
            and self._arguments(target, selected.arguments(variables))
            and self._below(selected, target, variables)
        )

    def _may_last(self, selected: Selected, *, at_root: bool) -> bool:
        assert selected.definition is not None  # noqa: S101 - the callers know
        type_ = get_named_type(selected.definition.type)
        directive = _directive(selected.definition) or _directive(type_)
        if directive is None:
            return is_leaf_type(type_) and not at_root
        if directive.max_age is UNSET or directive.max_age is None:
            return bool(directive.inherit_max_age) and not at_root
        return self._lasts(directive.max_age)

    def _rows(self, table: Table) -> bool:
        """Take rows of a table in."""
        self.tables.add(table.name)
        return table.cache is not None and self._own(table.cache)

    def _own(self, control: CacheControl | None) -> bool:
        if control is None:
            return True
        self.tables.update(control.depends_on)
        return self._lasts(control.seconds)

    def _lasts(self, seconds: int) -> bool:
        self.seconds = seconds if self.seconds is None else min(self.seconds, seconds)
        return seconds > 0

    def _leaves(self, table: Table) -> None:
        """What is related to a row of a trip is of that trip; from any other row it is a step to who knows which."""
        if table.cache is None or table.cache.invalidated_by is not InvalidatedBy.SCOPE_TOPIC:
            self.trips = None

    def _arguments(self, table: Table, arguments: Mapping[str, Any]) -> bool:
        """Take filters and orders in: what they look at decides about the answer as well."""
        return all(self._input(table, value) for value in arguments.values())

    def _input(self, table: Table, value: object) -> bool:
        if isinstance(value, list):
            return all(self._input(table, each) for each in value)
        if isinstance(value, Enum):  # a field to group by
            return self._own(table.field_caches.get(str(value.value)))
        if not isinstance(value, dict):
            return True
        return all(self._entry(table, name, inner) for name, inner in value.items())

    def _entry(self, table: Table, name: str, inner: object) -> bool:
        if name in _OF_THE_SAME_TABLE:
            return self._input(table, inner)
        relation = table.relations.get(name)
        if relation is None:
            return self._own(table.field_caches.get(name))
        self._leaves(table)
        target = catalog[relation.target]
        return self._rows(target) and self._input(target, inner)


def _looked_at(table: Table) -> tuple[str, ...]:
    return (table.name, *(table.cache.depends_on if table.cache is not None else ()))


def _trip_named(table: Table, arguments: Mapping[str, Any]) -> str | None:
    """The one trip whose rows are asked for; `None` where it is not named."""
    field = "id" if table.name == TRIPS else _TRIP_ID
    given = arguments.get(field)
    if given is None:
        filter_ = arguments.get("filter") or {}
        given = (filter_.get(field) or {}).get("eq")
    return None if given is None else str(given)


def _directive(made: GraphQLField | GraphQLNamedType) -> CacheControlDirective | None:
    definition = strawberry_definition(made)
    shown: Iterable[object] = getattr(definition, "directives", None) or ()
    return next((each for each in shown if isinstance(each, CacheControlDirective)), None)
