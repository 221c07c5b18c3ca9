"""What an operation may cost at most: an estimate of the rows that it reads and writes, from the actual page sizes.

It is made of the merged selection and the coerced variables before anything is sent. The rules, with a worked example,
are in `docs/limits.md`.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, NamedTuple

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)
from graphql.execution.values import VariableValues

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode
from gql.table import Table
from resolvers.declared.entities import ENTITIES, SERVICE, entity
from tripgate.gateway.limits.bounds import PageSizes, exceeded
from tripgate.gateway.limits.filters import cursor_conditions, tested
from tripgate.planner.deferral import Part
from tripgate.planner.selection import Selected

WRITTEN = 5
"""A row that is written, and whatever else a mutation without a row does."""

COUNTED = 5
"""A total or an aggregate, which looks at all matching rows, whatever the page."""

TESTED = 5
"""A relation that a filter tests or an order follows. Any other condition costs 1."""

COMING_ALONG = 5
"""How many objects come along with a row: those that it refers to, those that these do, and so on. More cost 1 each."""

JOINED = 1
"""A row with rows of another Postgres schema, which are read by themselves."""

ASKED_ALONE = 10
"""A value that another service is asked for by itself, and not together with others of its kind."""

VALUES = 10
"""So many values in arguments and variables cost 1."""

SCHEMA = 1000
"""All of the schema, which is read from memory, but slowly."""

TYPE = 100
"""One type of the schema."""


class Estimated(NamedTuple):
    """What an operation may take: its cost, and how many conditions its filters and cursors hold.

    Attributes:
        representations: How many rows it names for a router.
        varies: Whether it may be other under other variables.
    """

    cost: int
    conditions: int
    representations: int
    varies: bool


def estimated(
    roots: Iterable[Selected], variables: VariableValues, pages: PageSizes, parts: Iterable[Part] = ()
) -> Estimated:
    """What an operation may take: the sum over its root fields. Reading its arguments costs more (`VALUES`).

    Args:
        parts: What is read later, beside the root fields.
    """
    estimate = _Estimate(variables, pages)
    cost = sum(estimate.root(selected) for selected in roots) + sum(estimate.part(part) for part in parts)
    return Estimated(cost, estimate.conditions, estimate.representations, estimate.varies)


def too_many_conditions(found: int, limit: int) -> ApiError:
    """The refusal of an operation whose filters hold too many conditions."""
    return exceeded(
        ErrorCode.BAD_USER_INPUT,
        f"The filters of the operation hold {found} conditions; at most {limit} are allowed. Write alternatives of one "
        "column as a list, `in: [...]`, or ask in several operations.",
        limit,
        found,
    )


def cost_exceeded(found: int, limit: int) -> ApiError:
    """The refusal of an operation that costs too much."""
    return exceeded(
        ErrorCode.COST_LIMIT_EXCEEDED,
        f"The operation may cost {found}; at most {limit} is allowed. Ask for smaller pages, or for fewer lists inside "
        "each other.",
        limit,
        found,
    )


class _Kind(Enum):
    LEAF = auto()
    COMPUTED = auto()
    """A value or an object that the database computes for each row."""
    ONE = auto()
    """Another row that the row refers to, or an object that is part of it."""
    SEVERAL = auto()
    """A plain list of such."""
    CONNECTION = auto()
    OUTSIDE = auto()
    """A value of another service."""
    META = auto()
    """Part of the schema itself."""


def _kind(parent: str, name: str, definition: GraphQLField) -> _Kind:
    if name.startswith("__"):
        return _Kind.META
    table = catalog.by_type.get(parent)
    type_ = get_named_type(definition.type)
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
        if table is None:
            return _Kind.LEAF
        column = table.columns.get(name)
        if column is None:
            return _Kind.OUTSIDE if name in table.outside else _Kind.LEAF
        return _Kind.COMPUTED if column.computed else _Kind.LEAF
    if table is not None and name in table.computed:
        return _Kind.COMPUTED
    if not isinstance(type_, GraphQLUnionType) and "pageInfo" in type_.fields:
        return _Kind.CONNECTION
    outer = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    return _Kind.SEVERAL if isinstance(outer, GraphQLList) else _Kind.ONE


class _Estimate:
    """The costs of one operation's fields, under its variables."""

    def __init__(self, variables: VariableValues, pages: PageSizes) -> None:
        self._variables = variables
        self._pages = pages
        self.conditions = 0
        self.representations = 0
        self.varies = False

    def root(self, selected: Selected) -> int:
        if selected.definition is None:
            return 0
        try:
            written = self._written(selected) if selected.parent_type.name == "Mutation" else 0
            return written + max(1, self._root(selected, selected.definition))
        except (GraphQLError, ApiError):
            return 1  # arguments that do not fit: the field fails by itself, before it asks for anything

    def _arguments(self, selected: Selected) -> dict[str, Any]:
        self.varies = self.varies or selected.takes_variables
        return selected.arguments(self._variables)

    def part(self, part: Part) -> int:
        """What is read later: each row once more, and what is selected of it."""
        inside = sum(self.part(each) for each in part.parts)
        if part.row is None:
            return inside + sum(self.root(selected) for selected in part.selected)
        try:
            return inside + self._repeated(part.way) * (1 + self._selected(part.selected))
        except (GraphQLError, ApiError):
            return inside + 1  # as of a root field

    def _repeated(self, way: Iterable[Selected]) -> int:
        """How many rows there are at the end of a way."""
        found = 1
        for selected in way:
            definition = selected.definition
            assert definition is not None  # noqa: S101 - a way leads through fields with objects below
            if _kind(selected.parent_type.name, selected.name, definition) in {_Kind.CONNECTION, _Kind.SEVERAL}:
                found *= self._rows(definition, self._arguments(selected))
        return found

    def _root(self, selected: Selected, definition: GraphQLField) -> int:
        if selected.name == ENTITIES:
            return self._entities(selected)
        if selected.name == SERVICE:
            return SCHEMA
        match _kind(selected.parent_type.name, selected.name, definition):
            case _Kind.LEAF | _Kind.COMPUTED | _Kind.OUTSIDE:
                return 1
            case _Kind.META:
                return SCHEMA if selected.name == "__schema" else TYPE
            case _Kind.ONE:
                return 1 + self._of_row(selected)
            case _Kind.SEVERAL:
                return self._list(selected, definition)
            case _Kind.CONNECTION:
                return self._connection(selected, definition)

    def _entities(self, selected: Selected) -> int:
        """What the rows cost that a router names, each as what is selected of its type."""
        given = self._arguments(selected)["representations"]
        self.representations += len(given)
        types = Counter(table.type_name if (table := entity(each)) is not None else None for each in given)
        return sum(
            rows * (1 if name is None else 1 + self._selected(selected.children_of(name)))
            for name, rows in types.items()
        )

    def _of_row(self, selected: Selected) -> int:
        """What is selected of a row; where its type is only known later, of the dearest type."""
        assert selected.definition is not None  # noqa: S101 - only fields with objects below come here
        type_ = get_named_type(selected.definition.type)
        if isinstance(type_, GraphQLObjectType):
            return self._selected(selected.children)
        if isinstance(type_, GraphQLUnionType):
            return max(self._selected(selected.children_of(each.name)) for each in type_.types)
        return max(self._selected(selected.children_of(table.type_name)) for table in catalog)

    def _selected(self, children: Iterable[Selected]) -> int:
        found, others = self._inside(children)
        return found + max(0, others - COMING_ALONG)

    def _inside(self, children: Iterable[Selected]) -> tuple[int, int]:
        """What the fields of a row cost, and how many other objects they bring along."""
        found = others = 0
        for child in children:
            definition = child.definition
            if definition is None:
                continue
            found += _joined(child)
            match _kind(child.parent_type.name, child.name, definition):
                case _Kind.COMPUTED:
                    found += 1
                case _Kind.OUTSIDE:
                    found += self._asked_alone(child)
                case _Kind.ONE:
                    more, further = self._inside(child.children)
                    found, others = found + more, others + 1 + further
                case _Kind.SEVERAL:
                    found += self._list(child, definition)
                case _Kind.CONNECTION:
                    found += self._connection(child, definition)
        return found, others

    def _asked_alone(self, selected: Selected) -> int:
        """What a value of another service costs: nothing where it is asked for together with others."""
        alone = catalog.by_type[selected.parent_type.name].outside[selected.name].alone
        return ASKED_ALONE if alone is not None and self._arguments(selected).get(alone) else 0

    def _list(self, selected: Selected, definition: GraphQLField) -> int:
        arguments = self._arguments(selected)
        rows, tests = self._rows(definition, arguments), self._tests(selected, arguments)
        if "by" in definition.args:
            return COUNTED + tests + rows  # groups, each a row whatever is computed over it
        return tests + rows * (1 + self._of_row(selected))

    def _connection(self, selected: Selected, definition: GraphQLField) -> int:
        arguments = self._arguments(selected)
        found = 1 + self._tests(selected, arguments)
        rows, of_each = False, 0
        for child in selected.children:
            match child.name:
                case "nodes":
                    rows, of_each = True, of_each + self._of_row(child)
                case "edges":
                    rows = True
                    of_each += sum(self._of_row(each) for each in child.children if each.name == "node")
                case "pageInfo":
                    rows = True
                case "totalCount" | "aggregate":
                    found += COUNTED
        return found + self._rows(definition, arguments) * (1 + of_each) if rows else found

    def _rows(self, definition: GraphQLField, arguments: dict[str, Any]) -> int:
        """How many rows a list may have: what its arguments say, or as many as a page."""
        largest = self._pages.largest
        for name in ("first", "last", "atMost"):
            size: int | None = arguments.get(name)
            if size is not None:
                return max(0, min(size, largest))
        for name in ("inputs", "nodeIds"):
            if (given := arguments.get(name)) is not None:
                return min(len(given), largest)
        return largest if "by" in definition.args else min(self._pages.default, largest)

    def _tests(self, selected: Selected, arguments: dict[str, Any]) -> int:
        """What filter, order and cursors add."""
        filter_, order = arguments.get("filter"), arguments.get("orderBy") or ()
        for name in ("after", "before"):
            if arguments.get(name) is not None:
                self.conditions += cursor_conditions(len(order))
        hops = sum(_hops(each) for each in order)
        if not filter_ or (table := _table(selected)) is None:
            return TESTED * hops
        found = tested(table, filter_)
        self.conditions += found.conditions
        return TESTED * (found.relations + hops) + found.conditions - found.relations

    def _written(self, selected: Selected) -> int:
        """What a mutation writes, without what it answers."""
        arguments = self._arguments(selected)
        table = _table(selected)
        inputs = arguments.get("inputs", [arguments["input"]] if "input" in arguments else None)
        if table is None:
            return WRITTEN
        if inputs is not None:
            return WRITTEN * sum(_input_rows(table, each) for each in inputs)
        return WRITTEN * (max(1, min(arguments["atMost"], self._pages.largest)) if "atMost" in arguments else 1)


def _joined(selected: Selected) -> int:
    """What a relation to another Postgres schema adds for each row that has it."""
    if not catalog.several_schemas or (table := catalog.get(selected.parent_type.name)) is None:
        return 0
    relation = table.relations.get(selected.name)
    if relation is None or not catalog.crosses(table, relation):
        return 0
    return 0 if _embedded(selected, table, catalog[relation.target]) else JOINED


def _embedded(selected: Selected, table: Table, target: Table) -> bool:
    """Whether all that is selected of a row of another schema comes along by a view of this one."""
    if target.embedded_as is None:
        return False
    columns = [target.columns.get(each.name) for each in selected.children if each.name not in {"__typename", "nodeId"}]
    names = [column.name for column in columns if column is not None]
    return len(names) == len(columns) and catalog.embedded_view(target, table.schema, names) is not None


def _table(selected: Selected) -> Table | None:
    """The table of the rows that a field answers with."""
    assert selected.definition is not None  # noqa: S101 - `__typename` takes no arguments
    type_ = get_named_type(selected.definition.type)
    if isinstance(type_, GraphQLObjectType) and "pageInfo" in type_.fields:
        type_ = get_named_type(type_.fields["nodes"].type)
    # Groups are called after the rows that they are of.
    return catalog.by_type.get(type_.name) or catalog.by_type.get(type_.name.removesuffix("Group"))


def _hops(order: dict[str, Any]) -> int:
    """How many relations a key of an order follows."""
    found = 0
    while len(order) == 1 and isinstance(inner := next(iter(order.values())), dict):
        found += 1
        order = inner
    return found


def _input_rows(table: Table, given: dict[str, Any]) -> int:
    """How many rows an input makes, those that it brings along included."""
    found = 1
    for name, value in given.items():
        relation = table.relations.get(name)
        if relation is not None and value:
            found += sum(_input_rows(catalog[relation.target], each) for each in value)
    return found
