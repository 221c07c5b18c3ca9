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
from gql.scope import Scope
from gql.strawberry_definition import strawberry_definition
from gql.table import Table, catalog
from resolvers.declared import DeclaredField
from resolvers.declared.functions import FunctionRows
from tripgate.gateway.cache.person_topics import Rows
from tripgate.planner.selection import Selected

_OF_THE_SAME_TABLE = frozenset({"and", "or", "not", "some", "none", "every"})

_At = tuple[Scope, str]
"""The row of a scope that rows belong to, by its key."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of an answer before it is made.

    Attributes:
        seconds: How long it may be cached; more than 0.
        tables: The tables whose changes may alter it, by their SQL names.
        by_topic: Whether changes of any of them come on topics. The caller's own is always among them.
        scopes: The other topics: each scope by its name, and the keys of the only rows that matter; `None` where it may
            be any of those that the caller may see.
    """

    seconds: int
    tables: frozenset[str]
    by_topic: bool
    scopes: Rows

    def depends_on(self, scope: str, keys: frozenset[str] | None) -> bool:
        """Whether changes in these rows of a scope may concern the answer; `None` for any of them."""
        for name, theirs in self.scopes:
            if name == scope:
                return keys is None or theirs is None or not keys.isdisjoint(theirs)
        return False


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
    scopes = tuple(
        (scope.name, frozenset(keys) if keys is not None else None)
        for scope, keys in found.scopes.items()
        if not scope.of_person
    )
    return Hint(found.seconds, tables, bool(found.scopes), scopes)


@cache
def scopes_of_tables() -> dict[str, Scope]:
    """For each table whose changes come on topics, by its SQL name, of which scope."""
    return {table.name: table.scope for table in catalog if table.scope is not None}


@cache
def gateway_write_tables() -> frozenset[str]:
    """The tables that several people see, and whose changes only gateways tell each other of."""
    return frozenset(
        table.name
        for table in catalog
        if table.cache is not None and table.cache.invalidated_by is InvalidatedBy.GATEWAY_WRITES
    )


class _Found:
    """What the fields seen so far say together."""

    def __init__(self) -> None:
        self.seconds: int | None = None
        self.tables: set[str] = set()
        self.scopes: dict[Scope, set[str] | None] = {}

    def root(self, selected: Selected, variables: VariableValues) -> bool:
        """Take a root field in; whether its answer may be cached."""
        assert selected.definition is not None  # noqa: S101 - the caller knows
        field = selected.declaration
        if not isinstance(field, DeclaredField) or not self._may_last(selected, at_root=True):
            return False
        if field.extensions:  # permission, for one, is asked each time
            return False
        table = field.table
        arguments = selected.arguments(variables)
        # What a function makes of an argument is not known: it may well return the rows of other roots.
        at = _named(table, {} if isinstance(field, FunctionRows) else arguments, arguments.get("filter"))
        return (
            self._rows(table, at)
            and self._arguments(table, arguments, at)
            and self._below(selected, table, variables, at)
        )

    def _below(self, selected: Selected, table: Table, variables: VariableValues, at: _At | None) -> bool:
        return all(self._field(child, table, variables, at) for child in selected.children)

    def _field(self, selected: Selected, table: Table, variables: VariableValues, at: _At | None) -> bool:
        """Take a field of an object in, which is a row of this table or holds such."""
        if selected.definition is None:
            return True
        if not self._may_last(selected, at_root=False):
            return False
        if not self._own(table.field_caches.get(selected.name), at):
            return False
        # A row's own fields; what holds rows, or what is computed over them, has none that lead to other tables.
        relation = table.relations.get(selected.name) if selected.parent_type.name == table.type_name else None
        if relation is None:
            return self._below(selected, table, variables, at)
        target = catalog[relation.target]
        at = followed(table, target, at)
        return (
            self._rows(target, at)
            and self._arguments(target, selected.arguments(variables), at)
            and self._below(selected, target, variables, at)
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

    def _rows(self, table: Table, at: _At | None) -> bool:
        """Take rows of a table in."""
        self._table(table.name, at)
        return table.cache is not None and self._own(table.cache, at)

    def _own(self, control: CacheControl | None, at: _At | None) -> bool:
        if control is None:
            return True
        for name in control.depends_on:
            self._table(name, at)
        return self._lasts(control.seconds)

    def _table(self, name: str, at: _At | None) -> None:
        """Take in that changes of a table may alter the answer: on one topic where it is known on which."""
        self.tables.add(name)
        scope = scopes_of_tables().get(name)
        if scope is None:
            return
        keys = self.scopes.setdefault(scope, set())
        if at is None or at[0] is not scope:
            self.scopes[scope] = None
        elif keys is not None:
            keys.add(at[1])

    def _lasts(self, seconds: int) -> bool:
        self.seconds = seconds if self.seconds is None else min(self.seconds, seconds)
        return seconds > 0

    def _arguments(self, table: Table, arguments: Mapping[str, Any], at: _At | None) -> bool:
        """Take filters and orders in: what they look at decides about the answer as well."""
        return all(self._input(table, value, at) for value in arguments.values())

    def _input(self, table: Table, value: object, at: _At | None) -> bool:
        if isinstance(value, list):
            return all(self._input(table, each, at) for each in value)
        if isinstance(value, Enum):  # a field to group by
            return self._own(table.field_caches.get(str(value.value)), at)
        if not isinstance(value, dict):
            return True
        return all(self._entry(table, name, inner, at) for name, inner in value.items())

    def _entry(self, table: Table, name: str, inner: object, at: _At | None) -> bool:
        if name in _OF_THE_SAME_TABLE:
            return self._input(table, inner, at)
        relation = table.relations.get(name)
        if relation is None:
            return self._own(table.field_caches.get(name), at)
        target = catalog[relation.target]
        at = followed(table, target, at)
        return self._rows(target, at) and self._input(target, inner, at)


def _named(table: Table, arguments: Mapping[str, Any], filter_: Mapping[str, Any] | None) -> _At | None:
    """The one row of the table's scope that is asked about; `None` where it is not named."""
    if table.scope is None or not table.scope_via:
        return None
    field = table.by_sql_name[table.scope_via].field
    given = arguments.get(field)
    if given is None:
        given = ((filter_ or {}).get(field) or {}).get("eq")
    return None if given is None else (table.scope, str(given))


def followed(table: Table, target: Table, at: _At | None) -> _At | None:
    """Where a relation leads: what is related to rows of a scope is of the same root, unless it is a root itself.

    From any other row it is a step to who knows which.
    """
    if at is None or table.scope is not at[0] or table.type_name == target.type_name == at[0].root:
        return None
    return at


def _directive(made: GraphQLField | GraphQLNamedType) -> CacheControlDirective | None:
    definition = strawberry_definition(made)
    shown: Iterable[object] = getattr(definition, "directives", None) or ()
    return next((each for each in shown if isinstance(each, CacheControlDirective)), None)
