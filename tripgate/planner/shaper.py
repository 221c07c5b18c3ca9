"""Compile a shape to a Python function that turns rows into the answer.

The function is built once per shape from literals only: every name of a client enters the source through `repr`.
A connection's shaper takes `(rows, totals)`, an object's takes one row; `tripgate.planner.rows` says what these hold.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, assert_never

from tripgate.planner import node_id
from tripgate.planner import result_shape as shape
from tripgate.planner.json_values import stored
from tripgate.planner.outside import outside
from tripgate.planner.paging import encode_cursor
from tripgate.planner.python_fields import from_row
from tripgate.planner.rows import ChunkedRows, Row, encoded
from tripgate.planner.stored_values import CONVERSIONS

ObjectShaper = Callable[[Row], dict[str, Any]]
ConnectionShaper = Callable[[Sequence[Row], Sequence[Row]], dict[str, Any]]


@functools.lru_cache(maxsize=2048)
def object_shaper(wanted: shape.ResultObject) -> ObjectShaper:
    """The function from a row to its object."""
    source = _Source()
    expression = source.object(wanted, "row")
    made: ObjectShaper = source.compile(f"lambda row: {expression}")
    return made


@functools.lru_cache(maxsize=2048)
def connection_shaper(wanted: shape.ResultConnection) -> ConnectionShaper:
    """The function from a page's rows, and the totals where they were asked for, to the connection.

    What chunked rows become is in it as `orjson.Fragment`, text that is encoded already.
    """
    source = _Source()
    short: ConnectionShaper = source.compile(source.connection(wanted))

    if source.outside:
        # What is asked for outside is put in later, which it could not be in a text.
        return lambda rows, totals: short(list(rows), totals)

    def made(rows: Sequence[Row], totals: Sequence[Row]) -> dict[str, Any]:
        return long_shaper(wanted)(rows, totals) if isinstance(rows, ChunkedRows) else short(rows, totals)

    return made


@functools.lru_cache(maxsize=256)
def long_shaper(wanted: shape.ResultConnection) -> ConnectionShaper:
    """The same for rows that come in chunks."""
    source = _Source()
    made: ConnectionShaper = source.compile(source.connection(wanted, long=True))
    return made


class _Source:
    """Python source while it is written: statements at the top, and the objects that its names stand for."""

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._names: dict[str, Any] = {
            "node_id": node_id.encode,
            "encode_cursor": encode_cursor,
            "encoded": encoded,
            "stored": stored,
            "outside": outside,
        }
        self.outside = False
        self._depth = 0

    def compile(self, expression: str) -> Any:
        text = "\n".join([*self._statements, f"shaper = {expression}"])
        exec(compile(text, "<shaper>", "exec"), self._names)  # noqa: S102 - built from literals only
        return self._names["shaper"]

    def object(self, wanted: shape.ResultObject, row: str) -> str:
        """An expression for the object that `row`, a variable, becomes."""
        return "{" + ", ".join(f"{field.key!r}: {self._field(field, row)}" for field in wanted.fields) + "}"

    def _field(self, field: shape.ObjectField, row: str) -> str:
        match field:
            case shape.Constant():
                return repr(field.value)
            case shape.Value():
                value = f"{row}[{field.column!r}]"
                return value if field.choices is None else f"{self._name({None: None, **dict(field.choices)})}[{value}]"
            case shape.Json():
                return f"stored({row}[{field.column!r}])"
            case shape.Converted():
                return f"{self._name(CONVERSIONS[field.kind])}({row}[{field.column!r}])"
            case shape.NodeId():
                return f"node_id({field.type_name!r}, {row}[{field.column!r}])"
            case shape.RelatedObject():
                inner = self._variable()
                return f"(None if ({inner} := {row}[{field.alias!r}]) is None else {self.object(field.shape, inner)})"
            case shape.ObjectList():
                inner = self._variable()
                return f"[{self.object(field.shape, inner)} for {inner} in {row}[{field.alias!r}]]"
            case shape.PythonValue():
                return f"{self._name(from_row(field.field))}({row})"
            case shape.OutsideValue():
                self.outside = True
                values = "".join(f", {row}[{name!r}]" for name in field.field.needs)
                return f"outside({self._name(field.field)}, {self._name(field.arguments)}{values})"
            case shape.NestedObject():
                return self.object(field.shape, row)
            case shape.RelatedConnection():
                rows = "()" if field.rows_alias is None else f"{row}[{field.rows_alias!r}]"
                totals = "()" if field.totals_alias is None else f"{row}[{field.totals_alias!r}]"
                return f"{self.connection(field.shape)}({rows}, {totals})"
            case _:
                assert_never(field)

    def connection(self, wanted: shape.ResultConnection, *, long: bool = False) -> str:
        """Write the function for a connection; its name."""
        row = self._variable()
        entries = [f"{field.key!r}: {self._connection_field(wanted, field, row, long=long)}" for field in wanted.fields]
        name = self._name(None)
        step = "::-1" if wanted.backward else ""
        totals = []
        if any(isinstance(field, shape.TotalCount | shape.Totals) for field in wanted.fields):
            totals = ["    total = totals[0] if totals else None"]
        self._statements += [
            f"def {name}(rows, totals):",
            *totals,
            f"    more = len(rows) > {wanted.size}",
            "    if more:",
            f"        rows = rows[:{wanted.size}]",
            *([f"    rows = rows[{step}]"] if step else []),
            "    return {" + ", ".join(entries) + "}",
        ]
        return name

    def _connection_field(
        self,
        wanted: shape.ResultConnection,
        field: shape.Constant | shape.Nodes | shape.Edges | shape.PageInfo | shape.TotalCount | shape.Totals,
        row: str,
        *,
        long: bool,
    ) -> str:
        match field:
            case shape.Constant():
                return repr(field.value)
            case shape.Nodes():
                made = f"[{self.object(field.shape, row)} for {row} in rows]"
                return f"encoded(rows, lambda rows: {made})" if long else made
            case shape.Edges():
                made = f"[{self._edge(wanted, field, row)} for {row} in rows]"
                return f"encoded(rows, lambda rows: {made})" if long else made
            case shape.PageInfo():
                facts = ", ".join(f"{fact.key!r}: {_page_fact(wanted, fact)}" for fact in field.fields)
                return "{" + facts + "}"
            case shape.TotalCount():
                return "total['count']"
            case shape.Totals():
                return self.object(field.shape, "total")
            case _:
                assert_never(field)

    def _edge(self, wanted: shape.ResultConnection, edges: shape.Edges, row: str) -> str:
        entries = []
        for field in edges.fields:
            match field:
                case shape.Constant():
                    value = repr(field.value)
                case shape.Cursor():
                    value = _cursor(wanted, row)
                case shape.Node():
                    value = self.object(field.shape, row)
                case _:
                    assert_never(field)
            entries.append(f"{field.key!r}: {value}")
        return "{" + ", ".join(entries) + "}"

    def _name(self, value: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def _variable(self) -> str:
        self._depth += 1
        return f"r{self._depth}"


def _cursor(wanted: shape.ResultConnection, row: str) -> str:
    values = ", ".join(f"{row}[{name!r}]" for name in wanted.keys)
    return f"encode_cursor({wanted.mark!r}, [{values}])"


def _page_fact(wanted: shape.ResultConnection, fact: shape.Constant | shape.PageFact) -> str:
    if isinstance(fact, shape.Constant):
        return repr(fact.value)
    match fact.name:
        case "hasNextPage":
            return repr(wanted.ends_inside) if wanted.backward else "more"
        case "hasPreviousPage":
            return "more" if wanted.backward else repr(wanted.starts_inside)
        case "startCursor":
            return f"{_cursor(wanted, 'rows[0]')} if rows else None"
        case _:
            return f"{_cursor(wanted, 'rows[-1]')} if rows else None"
