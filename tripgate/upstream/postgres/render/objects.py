"""A row as the text of an object."""

from collections.abc import Callable
from typing import assert_never

from tripgate.planner import result_shape as shape
from tripgate.planner.plan import Read
from tripgate.upstream.postgres.render.parents import Parents, costs
from tripgate.upstream.postgres.render.query import from_and_where
from tripgate.upstream.postgres.render.statement import Writing, column
from tripgate.upstream.postgres.render.text import (
    NotInSqlError,
    Parts,
    base64,
    chosen,
    concatenated,
    constant,
    json_object,
    literal,
    value,
)

RelatedWriter = Callable[[Writing, shape.RelatedConnection, Read, str], Parts]
"""Writes the connection of rows related to that of the read under this alias."""


def row(
    writing: Writing,
    wanted: shape.ResultObject,
    read: Read,
    alias: str,
    related: RelatedWriter,
    parents: Parents | None = None,
) -> Parts:
    """The object that a row becomes.

    Args:
        parents: Where rows to which several of a page may lead are joined; `None` for a row that is the only one.
    """
    return json_object((field.key, _field(writing, field, read, alias, related, parents)) for field in wanted.fields)


def _field(
    writing: Writing,
    field: shape.Constant
    | shape.Value
    | shape.Json
    | shape.Converted
    | shape.NodeId
    | shape.RelatedObject
    | shape.ObjectList
    | shape.PythonValue
    | shape.OutsideValue
    | shape.NestedObject
    | shape.RelatedConnection,
    read: Read,
    alias: str,
    related: RelatedWriter,
    parents: Parents | None,
) -> Parts:
    match field:
        case shape.Constant():
            return [constant(field.value)]
        case shape.Value():
            return [value(read, alias, field.column, field.choices)]
        case shape.NodeId():
            return base64(f"{literal(f'{field.type_name}:')} || {column(alias, field.column)}::text")
        case shape.RelatedObject():
            embed = next((each for each in read.embeds if each.alias == field.alias), None)
            if embed is None:
                return [_computed(writing, field, alias)]
            below = writing.alias()
            if parents is not None and costs(embed.read):
                found = parents.join(below, from_and_where(writing, embed.read, below, (read.table, alias, embed)))
                made = concatenated(row(writing, field.shape, embed.read, below, related, parents))
                return [f"case when {found} then {made} else 'null' end"]
            made = concatenated(row(writing, field.shape, embed.read, below, related))
            rest = from_and_where(writing, embed.read, below, (read.table, alias, embed))
            return [f"coalesce((select {made}{rest}), 'null')"]
        case shape.NestedObject():
            return row(writing, field.shape, read, alias, related, parents)
        case shape.RelatedConnection():
            made_of_rows = related(writing, field, read, alias)
            if parents is None or not parents.has(alias):
                return made_of_rows
            return [parents.kept(alias, concatenated(made_of_rows))]
        case shape.Json() | shape.Converted() | shape.ObjectList() | shape.PythonValue() | shape.OutsideValue():
            raise NotInSqlError
        case _:
            assert_never(field)


def _computed(writing: Writing, field: shape.RelatedObject, alias: str) -> str:
    """An object that a function of the database makes of the row, computed once."""
    below = writing.alias()
    value = column(below, "v")
    text = concatenated(_of_json(writing, field.shape, value))
    # Not pulled up, or it would be computed for each of its keys.
    source = f"(select to_json({column(alias, field.alias)}) as v offset 0) as {below}"
    return f"(select case when {value} is null then 'null' else {text} end from {source})"


def _of_json(writing: Writing, wanted: shape.ResultObject, value: str) -> Parts:
    """The object that this JSON object becomes."""
    made: list[tuple[str, Parts]] = []
    for each in wanted.fields:
        match each:
            case shape.Constant():
                made.append((each.key, [constant(each.value)]))
            case shape.Value(choices=None):
                made.append((each.key, [f"coalesce(({value} -> {literal(each.column)})::text, 'null')"]))
            case shape.Value():
                named = f"{value} ->> {literal(each.column)}"
                made.append((each.key, [f"coalesce({chosen(f'({named})', each.choices or (), as_text=True)}, 'null')"]))
            case shape.RelatedObject():
                inside = f"({value} -> {literal(each.alias)})"
                text = concatenated(_of_json(writing, each.shape, inside))
                made.append((each.key, [f"case json_typeof({inside}) when 'object' then {text} else 'null' end"]))
            case shape.ObjectList():
                below = writing.alias()
                text = concatenated(_of_json(writing, each.shape, column(below, "v")))
                rows = f"json_array_elements({value} -> {literal(each.alias)}) with ordinality as {below} (v, n)"
                listed = f"string_agg({text}, ',' order by {column(below, 'n')})"
                made.append((each.key, [f"(select '[' || coalesce({listed}, '') || ']' from {rows})"]))
            case _:
                raise NotInSqlError
    return json_object(made)
