"""What an operation's answer depends on: which changes make it stale, on which topics, and how long it may be cached.

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
from gql.catalog import catalog
from gql.coverage import is_told, looks_into
from gql.errors import ApiError
from gql.scope import Scope, Unheard
from gql.strawberry_definition import strawberry_definition
from gql.table import Table
from resolvers.declared import DeclaredField
from resolvers.declared.entities import SubgraphField
from resolvers.declared.functions import FunctionRows
from resolvers.declared.live import LiveRead
from resolvers.declared.lookups import AnyNodes
from resolvers.declared.queries import AnyNode
from tripgate.gateway.staleness.person_topics import Rows
from tripgate.planner import node_id
from tripgate.planner.selection import Selected

_OF_THE_SAME_TABLE = frozenset({"and", "or", "not", "some", "none", "every"})

_At = tuple[Scope, str | None]
"""The row of a scope that rows belong to, by its key; `None` for any that the caller may see."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What an answer depends on, known before it is made.

    Attributes:
        seconds: How long it may be cached; 0 where it may not be.
        tables: The tables whose changes may alter it, by their SQL names.
        by_topic: Whether changes of any of them come on topics that the cache must hear. The caller's own is always
            among them.
        scopes: The other topics: each scope by its name, and the keys of the only rows that matter; `None` where it may
            be any of those that the caller may see.
        heard: Whether topics tell of everything that may alter it, while they are joined.
    """

    seconds: int
    tables: frozenset[str]
    by_topic: bool
    scopes: Rows
    heard: bool = False

    def depends_on(self, scope: str, keys: frozenset[str] | None) -> bool:
        """Whether changes in these rows of a scope may concern the answer; `None` for any of them."""
        for name, theirs in self.scopes:
            if name == scope:
                return keys is None or theirs is None or not keys.isdisjoint(theirs)
        return False

    def concerned(self, scope: str | None, keys: frozenset[str] | None, table: str | None) -> bool:
        """Whether a change may concern the answer, as `OnInvalidation` tells of it: `None` for any."""
        return (table is None or table in self.tables) and (scope is None or self.depends_on(scope, keys))


def dependencies(roots: tuple[Selected, ...], variables: VariableValues) -> Dependencies:
    """What the answer to these root fields depends on, of a query or a live query.

    Raises:
        GraphQLError: An argument does not fit its type once its variables are known.
    """
    found = _Found()
    for root in roots:
        if root.definition is not None:
            found.root(root, variables)
    scopes = tuple(
        (scope.name, frozenset(keys) if keys is not None else None)
        for scope, keys in found.scopes.items()
        if not scope.of_person
    )
    return Dependencies(found.seconds or 0, frozenset(found.tables), found.by_topic, scopes, found.heard)


@cache
def scopes_of_tables() -> dict[str, Scope]:
    """For each table whose changes come on topics, by its SQL name, of which scope."""
    return {table.name: table.scope for table in catalog if table.scope is not None}


@cache
def seen_in() -> dict[str, tuple[Scope, ...]]:
    """For each table whose rows are seen elsewhere too, by its SQL name, in which scopes it is told of there."""
    return {table.name: tuple({each.scope: None for each in table.seen_in}) for table in catalog if table.seen_in}


@cache
def gateway_write_tables() -> frozenset[str]:
    """The tables that several people see, and whose changes only gateways tell each other of."""
    return frozenset(
        table.name
        for table in catalog
        if table.cache is not None and table.cache.invalidated_by is InvalidatedBy.GATEWAY_WRITES
    )


@cache
def topic_tables() -> frozenset[str]:
    """The tables whose rows are cached while their topics are joined: not those that only their owner writes."""
    return frozenset(
        table.name
        for table in catalog
        if table.scope is not None and (table.cache is None or table.cache.invalidated_by is InvalidatedBy.SCOPE_TOPIC)
    )


@cache
def heard_tables() -> frozenset[str]:
    """The tables of whose changes everybody hears who may see the row."""
    return frozenset(table.name for table in catalog if is_told(table))


@cache
def _looked_into() -> dict[str, tuple[str, ...]]:
    """For each table, by its SQL name, the others that decide about its rows."""
    return {table.name: looks_into(catalog, table) for table in catalog}


@cache
def _shown_by() -> dict[str, frozenset[Scope]]:
    """For each table, by its SQL name, the scopes whose people see all of its rows that belong there."""
    shown = {table.name: [table.scope, *(each.scope for each in table.seen_in if each.always)] for table in catalog}
    return {
        name: frozenset(each for each in by if each is not None and not each.of_person) for name, by in shown.items()
    }


class _Found:
    """What the fields seen so far say together."""

    def __init__(self) -> None:
        self.seconds: int | None = None
        self.tables: set[str] = set()
        self.scopes: dict[Scope, set[str] | None] = {}
        self.by_topic = False
        self.heard = True

    def root(self, selected: Selected, variables: VariableValues) -> None:
        """Take a root field in."""
        field = selected.declaration
        if isinstance(field, LiveRead):
            field = field.read
        if not isinstance(field, DeclaredField) or isinstance(field, SubgraphField):
            self._unknown()
            return
        if field.extensions:  # permission, for one, is asked each time
            self._lasts(0)
        self._type(selected, at_root=True)
        arguments = selected.arguments(variables)
        if isinstance(field, AnyNode | AnyNodes):
            self._nodes(selected, variables, arguments)
            return
        self._named_by(field)
        if not field.has_table:
            self._lasts(0)
            return
        table = field.table
        # What a function makes of an argument is not known: it may well return the rows of other roots.
        at = _named(table, {} if isinstance(field, FunctionRows) else arguments, arguments.get("filter"))
        self._rows(table, at)
        self._arguments(table, arguments, at)
        self._below(selected.children, table, variables, at)

    def _named_by(self, field: DeclaredField) -> None:
        """Take in what a root field says that it looks into beside the rows of its type."""
        if isinstance(field.depends_on, Unheard):
            self.heard = self.heard and field.depends_on is Unheard.REFERENCE
        elif field.depends_on is not None:
            for name in field.depends_on:
                self._rows(catalog.named(name), None)

    def _nodes(self, selected: Selected, variables: VariableValues, arguments: Mapping[str, Any]) -> None:
        """Take in rows of the types that identifiers name."""
        for given in arguments.get("nodeIds", [arguments.get("nodeId")]):
            try:
                type_name, key = node_id.decode(catalog, given)
            except ApiError:
                self._unknown()  # whoever makes the answer says what is wrong
                continue
            table = catalog[type_name]
            at = _named(table, {table.by_sql_name[table.primary_key].field: key}, None)
            self._rows(table, at)
            self._below(selected.children_of(type_name), table, variables, at)

    def _below(self, children: Iterable[Selected], table: Table, variables: VariableValues, at: _At | None) -> None:
        for child in children:
            if child.definition is not None:
                self._field(child, table, variables, at)

    def _field(self, selected: Selected, table: Table, variables: VariableValues, at: _At | None) -> None:
        """Take a field of an object in, which is a row of this table or holds such."""
        self._type(selected, at_root=False)
        self._own(table.field_caches.get(selected.name), at)
        # A row's own fields; what holds rows, or what is computed over them, has none that lead to other tables.
        relation = table.relations.get(selected.name) if selected.parent_type.name == table.type_name else None
        if relation is None:
            self._below(selected.children, table, variables, at)
            return
        target = catalog[relation.target]
        at = followed(table, target, at)
        self._rows(target, at)
        self._arguments(target, selected.arguments(variables), at)
        self._below(selected.children, target, variables, at)

    def _type(self, selected: Selected, *, at_root: bool) -> None:
        """Take in what the schema says of a field and its type."""
        assert selected.definition is not None  # noqa: S101 - the callers know
        type_ = get_named_type(selected.definition.type)
        directive = _directive(selected.definition) or _directive(type_)
        if directive is None:
            lasts = is_leaf_type(type_) and not at_root
        elif directive.max_age is UNSET or directive.max_age is None:
            lasts = bool(directive.inherit_max_age) and not at_root
        else:
            self._lasts(directive.max_age)
            return
        if not lasts:
            self._lasts(0)

    def _rows(self, table: Table, at: _At | None) -> None:
        """Take rows of a table in."""
        only = at[0] if at is not None and at[0] in _shown_by()[table.name] else None
        self._table(table.name, at, only)
        for name in _looked_into()[table.name]:
            self._table(name, at, only)
        self._lasts(table.cache.seconds if table.cache is not None else 0)

    def _own(self, control: CacheControl | None, at: _At | None) -> None:
        """Take in what a field says of itself."""
        if control is not None:
            if not control.seconds:
                self.heard = False  # it has another value each time
            self._depends(control, at)

    def _depends(self, control: CacheControl, at: _At | None) -> None:
        for name in control.depends_on:
            self._table(name, at)
        self._lasts(control.seconds)

    def _table(self, name: str, at: _At | None, only: Scope | None = None) -> None:
        """Take in that changes of a table may alter the answer: on one topic where it is known on which.

        Args:
            only: The scope by which the rows are seen, whatever others show of them.
        """
        self.tables.add(name)
        self.heard = self.heard and name in heard_tables()
        scope = scopes_of_tables().get(name)
        if scope is None:
            return
        self.by_topic = self.by_topic or name in topic_tables()
        for each in (scope, *seen_in().get(name, ())):
            if only is not None and each is not only:
                continue
            keys = self.scopes.setdefault(each, set())
            if at is None or at[0] is not each or at[1] is None:
                self.scopes[each] = None
            elif keys is not None:
                keys.add(at[1])

    def _unknown(self) -> None:
        """What a field depends on is not known."""
        self.heard = False
        self._lasts(0)

    def _lasts(self, seconds: int) -> None:
        self.seconds = seconds if self.seconds is None else min(self.seconds, seconds)

    def _arguments(self, table: Table, arguments: Mapping[str, Any], at: _At | None) -> None:
        """Take filters and orders in: what they look at decides about the answer as well."""
        for value in arguments.values():
            self._input(table, value, at)

    def _input(self, table: Table, value: object, at: _At | None) -> None:
        if isinstance(value, list):
            for each in value:
                self._input(table, each, at)
        elif isinstance(value, Enum):  # a field to group by
            self._own(table.field_caches.get(str(value.value)), at)
        elif isinstance(value, dict):
            for name, inner in value.items():
                self._entry(table, name, inner, at)

    def _entry(self, table: Table, name: str, inner: object, at: _At | None) -> None:
        if name in _OF_THE_SAME_TABLE:
            self._input(table, inner, at)
            return
        relation = table.relations.get(name)
        if relation is None:
            self._own(table.field_caches.get(name), at)
            return
        target = catalog[relation.target]
        at = followed(table, target, at)
        self._rows(target, at)
        self._input(target, inner, at)


def _named(table: Table, arguments: Mapping[str, Any], filter_: Mapping[str, Any] | None) -> _At | None:
    """The one row of the table's scope that is asked about, or any; `None` where there is none."""
    if table.scope is None:
        return None
    if not table.scope_via:
        return (table.scope, None)
    field = table.by_sql_name[table.scope_via].field
    given = arguments.get(field)
    if given is None:
        given = ((filter_ or {}).get(field) or {}).get("eq")
    return (table.scope, None if given is None else str(given))


def followed(table: Table, target: Table, at: _At | None) -> _At | None:
    """Where a relation leads: what is related to rows of a scope is of the same root, unless it is a root itself.

    From any other row it is a step to who knows which.
    """
    if at is None or at[0].of_person or table.scope is not at[0] or table.type_name == target.type_name == at[0].root:
        return None
    return at


def _directive(made: GraphQLField | GraphQLNamedType) -> CacheControlDirective | None:
    definition = strawberry_definition(made)
    shown: Iterable[object] = getattr(definition, "directives", None) or ()
    return next((each for each in shown if isinstance(each, CacheControlDirective)), None)
