"""Random documents over the schema, valid by the way they are written.

A response key below a type means the same field with the same arguments wherever the document uses it, and below any
type of rows one of the same type. So whatever meets at one place, through fragments or repetition, merges.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
)
from hypothesis import strategies as st

from gql.catalog import catalog
from gql.strawberry_definition import strawberry_definition
from resolvers.declared.functions import FunctionRows
from tests.differential.inputs import KEYS, Name, filters, input_field, literal, node_ids, orders
from tests.differential.reference import written_schema
from tripgate.gateway.schema import graphql_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
Parent = GraphQLObjectType | GraphQLInterfaceType

# Some are names of other fields, and of what the gateway asks PostgREST for.
ALIASES = ["a", "b", "id", "title", "nodes", "items", "r0", "count"]
# Cursors are the gateway's own business. Groups, functions and fields with a body have tests of their own.
LEFT_OUT = {"cursor", "startCursor", "endCursor"}
# Of these Ada has the most.
FULL_ROOTS = ("trip", "trips", "tripItems", "place", "places", "profile", "profiles", "viewer", "node")
ROOTS = {"myPreferences", "nodes", *FULL_ROOTS, *(table.plural for table in catalog)} - {
    name
    for name, field in graphql_schema().query_type.fields.items()  # type: ignore[union-attr]
    # A function's rows, under the name of the table that they are of.
    if isinstance(strawberry_definition(field), FunctionRows)
}
LARGEST = 24


@dataclass(frozen=True)
class Document:
    """A document and the variables that are sent with it."""

    text: str
    variables: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.text}\n{json.dumps(self.variables)}"


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Queries, relations nested to depth 3."""
    author = _Author(draw)
    assert written_schema().query_type is not None
    selection = author.selection_set(written_schema().query_type, 3)
    declared = f" ({', '.join(author.declared)})" if author.declared else ""
    fragments = [f"fragment {name} on {on} {text}" for name, (on, _, text) in author.fragments.items()]
    return Document("\n".join([f"query{declared} {selection}", *fragments]), author.given)


class _Author:
    """Writes one document. `depth` is how many relations may still be followed."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._room = LARGEST
        self._meanings: dict[tuple[str, str], tuple[GraphQLField | None, str]] = {}
        self._row_types: dict[str, str] = {}
        self.declared: list[str] = []
        self.given: dict[str, Any] = {}
        self.fragments: dict[str, tuple[str, int, str]] = {}
        self._names = 0

    def selection_set(self, parent: Parent, depth: int) -> str:
        """Some selections of a type, in braces."""
        several = 1 + self._up_to(4) if self._room > 0 else 1
        return f"{{ {' '.join([self._selection(parent, depth) for _ in range(several)])} }}"

    def _selection(self, parent: Parent, depth: int) -> str:
        self._room -= 1
        ways: list[Callable[[Parent, int], str]] = [self._field] * 5
        if parent is written_schema().query_type:
            ways += [_introspection]
        if self._room > 0:
            ways += [self._inline, self._named]
        if self._reusable(parent, depth):
            ways += [self._again]
        if isinstance(parent, GraphQLInterfaceType) and self._room > 0:
            ways += [self._inline] * 8
        return self._one_of(ways)(parent, depth)

    def _field(self, parent: Parent, depth: int) -> str:
        leaves, objects = _fields(parent, related=depth > 0)
        deeper = objects and self._room > 0 and (len(leaves) == 1 or self._up_to(2))
        definition, text = self._meaning(parent, self._one_of(objects if deeper else leaves))
        text += self._directive()
        if definition is None or not is_composite_type(below := get_named_type(definition.type)):
            return text
        follows = parent is written_schema().query_type or catalog.get(parent.name) is not None
        return f"{text} {self.selection_set(cast('Parent', below), depth - follows)}"

    def _meaning(self, parent: Parent, name: str) -> tuple[GraphQLField | None, str]:
        """A key for the field, and what the key means: this field, or what it has come to mean before."""
        definition = parent.fields.get(name)
        type_ = "String!" if definition is None else str(definition.type)
        # The interface's rows have fields of their types beside its own, so its aliases are none of those.
        aliases = ALIASES if isinstance(parent, GraphQLObjectType) else [f"my_{name}"]
        for key in (self._one_of((name, name, name, *aliases)), name, f"k{self._number()}"):
            if (parent.name, key) in self._meanings:
                break
            # Where rows of several types may stand, a key has one type for all of them.
            if not _is_row(parent) or self._row_types.setdefault(key, type_) == type_:
                arguments = "" if definition is None else self._arguments(definition)
                self._meanings[parent.name, key] = (
                    definition,
                    f"{name}{arguments}" if key == name else f"{key}: {name}{arguments}",
                )
                break
        return self._meanings[parent.name, key]

    def _inline(self, parent: Parent, depth: int) -> str:
        on = self._part_of(parent)
        condition = f" on {on.name}" if on is not parent or self._up_to(1) else ""
        return f"...{condition}{self._directive()} {self.selection_set(on, depth)}"

    def _named(self, parent: Parent, depth: int) -> str:
        on = self._part_of(parent)
        name = f"F{self._number()}"
        # It is known only once it is written, so none contains itself.
        self.fragments[name] = (on.name, depth, self.selection_set(on, depth))
        return f"...{name}{self._directive()}"

    def _again(self, parent: Parent, depth: int) -> str:
        return f"...{self._one_of(self._reusable(parent, depth))}{self._directive()}"

    def _reusable(self, parent: Parent, depth: int) -> list[str]:
        return [name for name, (on, needs, _) in self.fragments.items() if on == parent.name and needs <= depth]

    def _part_of(self, parent: Parent) -> Parent:
        """A type that a fragment may have here: the same, its interface, or one of its implementations."""
        if isinstance(parent, GraphQLInterfaceType):
            return self._one_of([parent, *(cast("Parent", written_schema().type_map[name]) for name in KEYS)])
        parents: list[Parent] = [parent, parent, *parent.interfaces]
        return self._one_of(parents)

    def _directive(self) -> str:
        if self._up_to(5) < 5:
            return ""
        condition = self._value("Boolean!", st.booleans())
        return f" @{self._one_of(['skip', 'include'])}(if: {literal(condition)})"

    def _arguments(self, field: GraphQLField) -> str:
        target = get_named_type(field.type).name
        found: dict[str, Any] = {}
        match sorted(field.args):
            case ["id"]:
                found["id"] = self._value("UUID!", st.sampled_from(KEYS[target]))
            case ["nodeId"]:
                found["nodeId"] = self._value("ID!", node_ids())
            case ["nodeIds"]:
                found["nodeIds"] = self._value("[ID!]!", st.lists(node_ids(), max_size=4))
            case []:
                pass
            case _:
                found = self._page(target.removesuffix("Connection"))
        text = ", ".join(f"{name}: {literal(value)}" for name, value in found.items())
        return f"({text})" if text else ""

    def _page(self, type_name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._up_to(2) == 2:
            found["filter"] = (
                self._value(f"{type_name}Filter", filters(type_name))
                if self._up_to(1)
                else self._with_variables(
                    written_schema().type_map[f"{type_name}Filter"], self._draw(filters(type_name))
                )
            )
        if self._up_to(1):
            found["orderBy"] = self._value(f"[{type_name}Order!]", orders(type_name))
        sizes, steps = st.sampled_from([2, 3, 1, 0]), st.sampled_from([None, 0, 1, 2])
        match self._up_to(7):
            case 1:
                found["last"] = self._value("Int", sizes)
            case 2:
                found["offset"] = self._value("Int", steps)
            case 3:
                found["first"] = self._value("Int", sizes)
                found["offset"] = self._value("Int", steps)
            case _:
                found["first"] = self._value("Int", sizes)
        return found

    def _with_variables(self, type_: Any, value: Any) -> Any:
        """The same input, some of its values now variables."""
        if not isinstance(value, dict) or not isinstance(type_, GraphQLInputObjectType):
            return value
        return {
            name: self._with_variables(input_field(type_, name), inner)
            if isinstance(inner, dict)
            else self._value(str(type_.fields[name].type), st.just(inner))
            for name, inner in value.items()
        }

    def _value(self, type_: str, values: st.SearchStrategy[Any]) -> Any:
        """A value for an argument: as it is, or as a variable that is given, or has a default, or is left out."""
        value = self._draw(values)
        way = self._up_to(6)
        if way < 3:
            return value
        name = f"v{self._number()}"
        nullable = not type_.endswith("!")
        default = ""
        if way == 3 and nullable:
            pass  # neither given nor defaulted, so the argument is as good as absent
        elif way <= 4:
            default = f" = {literal(value)}"
        else:
            self.given[name] = value
            default = f" = {literal(self._draw(values))}" if way == 5 else ""
        self.declared.append(f"${name}: {type_}{default}")
        return Name(f"${name}")

    def _number(self) -> int:
        self._names += 1
        return self._names

    def _one_of(self, values: Sequence[T]) -> T:
        return values[self._up_to(len(values) - 1)]

    def _up_to(self, largest: int) -> int:
        return self._draw(_numbers(largest))


def _introspection(*_: Any) -> str:
    """What is known without a table. Beside it, the gateway runs the rest inside graphql-core."""
    return '__type(name: "Trip") { name kind }'


@functools.cache
def _numbers(largest: int) -> st.SearchStrategy[int]:
    return st.integers(0, largest)


@functools.cache
def _fields(parent: Parent, *, related: bool) -> tuple[list[str], list[str]]:
    """The fields of a type that are asked for: plain values, and objects; often those with more behind them."""
    leaves, objects = ["__typename"], []
    table = catalog.get(parent.name)
    # What another service gives differs with every request, as signed addresses do: it has tests of its own, too.
    left_out = LEFT_OUT.union(table.outside if table is not None else ())
    for name, field in parent.fields.items():
        if name in left_out or (parent is written_schema().query_type and name not in ROOTS):
            continue
        if is_composite_type(get_named_type(field.type)):
            if related or table is None or name not in table.relations:
                objects += [name] * (3 if name in FULL_ROOTS else 1)
        else:
            stored = table is not None and name in table.columns and not table.columns[name].computed
            leaves += [name] * (2 if stored else 6)
    return leaves, objects


def _is_row(parent: Parent) -> bool:
    return parent.name == "Node" or catalog.get(parent.name) is not None
