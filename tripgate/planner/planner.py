"""Selection → plan and shape: one read with everything embedded, however deep the selection goes."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues

from gql.catalog import Catalog
from gql.table import Computed, Relation, Table
from tripgate.planner import paging
from tripgate.planner import result_shape as shape
from tripgate.planner.aggregates import Totals, aggregate
from tripgate.planner.conditions import condition
from tripgate.planner.outside import frozen
from tripgate.planner.plan import ALWAYS, Condition, Embed, Pick, Read, both, pick
from tripgate.planner.selection import Selected


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """One row by a condition, and how to answer with it."""

    read: Read
    shape: shape.ResultObject


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """A page of rows, and how to answer with it.

    Attributes:
        read: The page; `None` when only totals are wanted.
        total: A read of its own for totals, where the page's cursor would falsify a count beside it and for aggregates.
    """

    read: Read | None
    total: Read | None
    shape: shape.ResultConnection


class Planner:
    """Plans one request. Holds what every level needs: the catalog, the request's variables and the page limit."""

    def __init__(self, catalog: Catalog, variables: VariableValues, *, max_page_size: int) -> None:
        self._catalog = catalog
        self._variables = variables
        self._max_page_size = max_page_size

    def object(self, table: Table, children: Iterable[Selected], where: Condition) -> ObjectPlan:
        """Plan the row of `table` for which `where` holds.

        Raises:
            ApiError: BAD_USER_INPUT for arguments below that cannot be planned.
        """
        level = _Level(table)
        made = self._object(level, children)
        return ObjectPlan(Read(table.name, level.picks(), tuple(level.embeds), where), made)

    def condition(self, table: Table, filter_: dict[str, Any] | None, path: str = "filter") -> Condition:
        """What a `<Type>Filter` of `table`, found at the argument `path`, asks for.

        Raises:
            ApiError: BAD_USER_INPUT for what no condition can be made of.
        """
        return condition(self._catalog, table, filter_, path)

    def connection(self, table: Table, selected: Selected) -> ConnectionPlan:
        """Plan a root connection of `table`.

        Raises:
            ApiError: BAD_USER_INPUT for filters, orders, pages and cursors that cannot be planned.
        """
        level = _Level(table)
        part = self._connection(level, selected)
        read, total = part.rows, None
        if part.totals.computed:
            total = part.totals.read(part.where)
        elif part.totals.counted and read is not None and part.bounds == ALWAYS:
            read = dataclasses.replace(read, count=True)
        elif part.totals.counted:
            total = Read(table.name, (Pick(table.primary_key),), where=part.where, limit=0, count=True)
        return ConnectionPlan(read, total, part.shape)

    def _object(self, level: "_Level", children: Iterable[Selected]) -> shape.ResultObject:
        table = level.table
        fields: list[shape.ObjectField] = []
        for child in children:
            if child.name == "__typename":
                fields.append(shape.Constant(child.key, table.type_name))
            elif (column := table.columns.get(child.name)) is not None:
                level.need(column.name)
                fields.append(shape.value(child.key, column.name, column))
            elif (relation := table.relations.get(child.name)) is not None:
                fields.append(self._relation(level, relation, child))
            elif (computed := table.computed.get(child.name)) is not None:
                level.need(computed.name)
                fields.append(shape.RelatedObject(child.key, computed.name, _computed(computed, child)))
            elif (made := table.python.get(child.name)) is not None:
                for _, column in made.needs:
                    level.need(column.name)
                fields.append(shape.PythonValue(child.key, made))
            elif (outside := table.outside.get(child.name)) is not None:
                arguments = child.arguments(self._variables)
                outside.check(arguments)
                for name in outside.needs:
                    level.need(name)
                fields.append(shape.OutsideValue(child.key, outside, frozen(arguments)))
            elif child.name == "nodeId":
                level.need(table.primary_key)
                fields.append(shape.NodeId(child.key, table.type_name, table.primary_key))
            else:
                raise LookupError(f"{table.type_name}.{child.name} is not planned")
        return shape.ResultObject(tuple(fields))

    def _relation(
        self, level: "_Level", relation: Relation, child: Selected
    ) -> shape.RelatedObject | shape.RelatedConnection:
        target = _Level(self._catalog[relation.target])
        if not relation.many:
            made = self._object(target, child.children)
            read = Read(target.table.name, target.picks(), tuple(target.embeds))
            alias = level.alias()
            level.embeds.append(Embed(alias, relation.via, many=False, read=read, theirs=relation.theirs))
            return shape.RelatedObject(child.key, alias, made)
        part = self._connection(target, child)
        rows_alias = totals_alias = None
        if part.rows is not None:
            rows_alias = level.alias()
            level.embeds.append(Embed(rows_alias, relation.via, many=True, read=part.rows))
        if part.totals.counted or part.totals.computed:
            totals_alias = level.alias()
            level.embeds.append(Embed(totals_alias, relation.via, many=True, read=part.totals.read(part.where)))
        return shape.RelatedConnection(child.key, rows_alias, totals_alias, part.shape)

    def _connection(self, level: "_Level", selected: Selected) -> "_ConnectionPart":
        table = level.table
        arguments = selected.arguments(self._variables)
        where = self.condition(table, arguments.get("filter"))
        page = paging.page(self._catalog, table, arguments, max_page_size=self._max_page_size)
        bounds = paging.bounds(table, page)
        needs = _Needs(Totals(table))
        fields = tuple(self._part(level, child, needs) for child in selected.children)
        made = shape.ResultConnection(
            fields=fields,
            size=page.size,
            backward=page.backward,
            starts_inside=page.after is not None or page.offset > 0,
            ends_inside=page.before is not None,
            mark=paging.signature(table, page.order),
            keys=tuple(paging.place(number, key) for number, key in enumerate(page.order)),
        )
        rows = None
        if needs.rows:
            if needs.cursors:
                for key in page.order:
                    if not key.path:
                        level.need(key.column)
            rows = Read(
                table.name,
                level.picks(),
                tuple(level.embeds),
                where=both(where, bounds),
                order=page.reading_order,
                limit=page.size + needs.one_more,
                offset=page.offset,
                keys=needs.cursors and any(key.path for key in page.order),
            )
        return _ConnectionPart(rows, needs.totals, where, bounds, made)

    def _part(
        self, level: "_Level", child: Selected, needs: "_Needs"
    ) -> shape.Constant | shape.Nodes | shape.Edges | shape.PageInfo | shape.TotalCount | shape.Totals:
        match child.name:
            case "nodes":
                needs.rows = True
                return shape.Nodes(child.key, self._object(level, child.children))
            case "edges":
                needs.rows = True
                return shape.Edges(child.key, tuple(self._edge_part(level, each, needs) for each in child.children))
            case "pageInfo":
                for each in child.children:
                    needs.rows |= each.name != "__typename"
                    needs.one_more |= each.name in {"hasNextPage", "hasPreviousPage"}
                    needs.cursors |= each.name in {"startCursor", "endCursor"}
                return shape.PageInfo(child.key, tuple(_page_fact(each) for each in child.children))
            case "totalCount":
                needs.totals.count()
                return shape.TotalCount(child.key)
            case "aggregate":
                return shape.Totals(child.key, aggregate(needs.totals, child.children))
            case "__typename":
                return shape.Constant(child.key, f"{level.table.type_name}Connection")
            case _:
                raise LookupError(f"{level.table.type_name}Connection.{child.name} is not planned")

    def _edge_part(
        self, level: "_Level", child: Selected, needs: "_Needs"
    ) -> shape.Constant | shape.Cursor | shape.Node:
        match child.name:
            case "cursor":
                needs.cursors = True
                return shape.Cursor(child.key)
            case "node":
                return shape.Node(child.key, self._object(level, child.children))
            case "__typename":
                return shape.Constant(child.key, f"{level.table.type_name}Edge")
            case _:
                raise LookupError(f"{level.table.type_name}Edge.{child.name} is not planned")


def _computed(computed: Computed, child: Selected) -> shape.ResultObject:
    return shape.ResultObject(tuple(_of_computed(computed, each) for each in child.children))


def _of_computed(
    computed: Computed, child: Selected
) -> shape.Constant | shape.Value | shape.RelatedObject | shape.ObjectList:
    if child.name == "__typename":
        return shape.Constant(child.key, computed.target)
    inside = computed.objects.get(child.name)
    if inside is None:
        return shape.Value(child.key, *computed.keys[child.name])
    made = shape.ObjectList if inside.many else shape.RelatedObject
    return made(child.key, inside.name, _computed(inside, child))


def _page_fact(child: Selected) -> shape.Constant | shape.PageFact:
    if child.name == "__typename":
        return shape.Constant(child.key, "PageInfo")
    return shape.PageFact(child.key, child.name)


@dataclass(slots=True)
class _Needs:
    """What a connection's selection needs beyond its nodes' columns."""

    totals: Totals
    rows: bool = False
    cursors: bool = False
    one_more: bool = False


@dataclass(frozen=True, slots=True)
class _ConnectionPart:
    rows: Read | None
    totals: Totals
    where: Condition
    bounds: Condition
    shape: shape.ResultConnection


class _Level:
    """One level of embedding while it is planned: the columns needed so far and the related rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.embeds: list[Embed] = []
        self._columns: dict[str, None] = {}

    def need(self, column: str) -> None:
        """Select a column, once."""
        self._columns[column] = None

    def alias(self) -> str:
        """A fresh alias. Generated, since one that equals a table's name would send filters to another embed."""
        return f"r{len(self.embeds)}"

    def picks(self) -> tuple[Pick, ...]:
        """The columns needed, each under its cast; the primary key where nothing else is."""
        names = self._columns or {self.table.primary_key: None}
        return tuple([pick(self.table, name) for name in names])
