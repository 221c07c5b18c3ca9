"""What `@stream` makes of a connection: a page that begins with so many rows, and what is read behind these.

A page is read in two where it is known beforehand which rows are its first: forwards. One that is read from its end, as
by `last`, comes whole. `pageInfo` is that of the whole page, which its last row tells, so it is read by itself, beside
the first rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLObjectType, GraphQLStreamDirective, NameNode, get_directive_values, get_named_type
from graphql.execution.collect_fields import GroupedFieldSet
from graphql.execution.values import VariableValues

from gql.errors import bad_input
from tripgate.planner.paging import size_forwards
from tripgate.planner.selection import Selected

PAGE_KEY, END_KEY, MORE_KEY = " pageInfo", " endCursor", " hasNextPage"
"""The keys under which a page that goes on tells where, and whether. No document can name them: they have a space."""

PAGE_OF = " page of "
"""The key under which the `pageInfo` of a connection is read begins with this, and goes on with the connection's."""

STREAM_COUNT = "initialCount of @stream takes a number from 0 on."
"""The message for any other."""

LISTS = frozenset({"nodes", "edges"})
"""The fields of a connection that list its rows."""

Slice = Callable[[dict[str, Any]], dict[str, Any]]
"""From a connection's arguments to those of a part of its page."""


class Sliced(Selected):
    """A connection of whose page a part is read.

    Attributes:
        beside: What is read of the whole page beside it, under a key of its own: see `with_pages`.
    """

    __slots__ = ("_slice", "beside")

    def __init__(
        self, whole: Selected, children: tuple[Selected, ...], slice_: Slice, page: tuple[Selected, ...] = ()
    ) -> None:
        super().__init__(whole.key, whole.node, whole.parent_type, whole.definition, lambda _: children)
        self.declaration = whole.declaration
        self._slice = slice_
        self.beside: tuple[Selected, ...] = ()
        if page:
            beside = Selected(f"{PAGE_OF}{whole.key}", whole.node, whole.parent_type, whole.definition, lambda _: page)
            beside.declaration = whole.declaration
            self.beside = (beside,)

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """Those of the part. Raises as of the whole."""
        return self._slice(super().arguments(variables))

    def behind(self, cursor: str | None, variables: VariableValues) -> Selected:
        """The same part behind a cursor; without one, behind whatever its caller reads it behind."""
        begins = {"after", "offset"}
        arguments = {name: value for name, value in self.arguments(variables).items() if name not in begins}
        if cursor is not None:
            arguments["after"] = cursor
        found = Selected(self.key, self.node, self.parent_type, self.definition, lambda _: self.children)
        found.declaration = self.declaration
        found.given(arguments)
        return found


@dataclass(frozen=True, slots=True)
class Streamed:
    """One use of `@stream`.

    Attributes:
        first: How many rows are not put off.
    """

    label: str | None
    first: int

    def begin(self, max_page_size: int) -> Slice:
        """The rows that are answered at once."""

        def of(arguments: dict[str, Any]) -> dict[str, Any]:
            return {**arguments, "first": self.first} if self.rest(arguments, max_page_size) else arguments

        return of

    def behind(self, max_page_size: int) -> Slice:
        """The rows that follow, were the first ones not there."""

        def of(arguments: dict[str, Any]) -> dict[str, Any]:
            return {**arguments, "first": self.rest(arguments, max_page_size)}

        return of

    def rest(self, arguments: dict[str, Any], max_page_size: int) -> int:
        """How many rows may follow the first ones; 0 where all come at once."""
        size = size_forwards(arguments, max_page_size=max_page_size)
        return 0 if size is None else max(0, size - self.first)


def streamed(node: FieldNode, variables: VariableValues) -> Streamed | None:
    """What a field's `@stream` says; `None` without one, or where it is switched off.

    Raises:
        ApiError: BAD_USER_INPUT for an `initialCount` that is null or negative.
    """
    values = get_directive_values(GraphQLStreamDirective, node, variables)
    if values is None or not values["if"]:
        return None
    first = values["initialCount"]
    if first is None or first < 0:
        raise bad_input(STREAM_COUNT, field="initialCount")
    return Streamed(values.get("label"), first)


def in_list(fields: GroupedFieldSet, variables: VariableValues) -> tuple[str, Streamed] | None:
    """Which of a connection's fields is put off in part, by its key, if one is. Raises as `streamed`."""
    lists = [key for key in fields if name_of(fields, key) in LISTS]
    if len(lists) != 1:
        return None
    found = streamed(fields[lists[0]][0].node, variables)
    return None if found is None else (lists[0], found)


def name_of(fields: GroupedFieldSet, key: str) -> str:
    """The name of the field that answers under a key."""
    return fields[key][0].node.name.value


def with_pages(value: Any) -> None:
    """Put what was read beside connections where it belongs. A connection of which that is not there is null."""
    if type(value) is list:
        for each in value:
            with_pages(each)
    elif type(value) is dict:
        for beside in [key for key in value if key.startswith(PAGE_OF)]:
            page, key = value.pop(beside), connection_key(beside)
            value[key] = None if page is None or value[key] is None else {**value[key], **page}
        for each in value.values():
            with_pages(each)


def connection_key(key: Any) -> Any:
    """The key of the connection that something was read beside; any other stays as it is."""
    return key.removeprefix(PAGE_OF) if isinstance(key, str) else key


def page_end(connection: GraphQLObjectType) -> Selected:
    """What tells where the first rows end, and whether others follow."""
    facts = get_named_type(connection.fields["pageInfo"].type)
    assert isinstance(facts, GraphQLObjectType)  # noqa: S101 - of every connection
    children = tuple(_selected(key, name, facts) for key, name in ((END_KEY, "endCursor"), (MORE_KEY, "hasNextPage")))
    return _selected(PAGE_KEY, "pageInfo", connection, children)


def _selected(key: str, name: str, parent: GraphQLObjectType, children: tuple[Selected, ...] = ()) -> Selected:
    node = FieldNode(name=NameNode(value=name), arguments=())
    return Selected(key, node, parent, parent.fields[name], lambda _: children)
