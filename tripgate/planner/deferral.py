"""What `@defer` and `@stream` put off: a selection taken apart into what is answered first and further reads.

A fragment can be put off where its fields can be read by themselves: at the root, in a row (which is read anew by its
key) and in a connection (of which the field, or the row above, is read anew). A list can be put off but for its first
rows where it is that of a connection: see `streaming`. Elsewhere all is answered at once, as GraphQL allows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    DeferUsage,
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gql.catalog import Catalog
from gql.strawberry_definition import strawberry_definition
from tripgate.planner.selection import Merging, Selected
from tripgate.planner.streaming import Sliced, Streamed, in_list, name_of, page_end

Keys = tuple[str, ...]
"""Where in an answer, as response keys from its root. Lists are no step: it is a place in each of their rows."""

ROW_KEY = " nodeId"
"""The key of a row's identifier in what is read in parts. No document can name it: it has a space."""


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A fragment with `@defer`, or a list with `@stream`, and where it stands."""

    label: str | None
    place: Keys


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What fragments put off in one place: what one of them alone does, or several together.

    A field that several put off is read once, since rows of two readings could not be put together by their indexes.

    Attributes:
        place: Of the object that its fields belong to, which is where the fragments stand or below.
        row: Of the row that is read anew for it; `None` where root fields are run for it.
        selected: What is read of that row, or these root fields.
        way: The fields that lead to the row, without what is selected below them.
        parts: What is put off inside of it.
    """

    fragments: tuple[Fragment, ...]
    place: Keys
    row: Keys | None
    selected: tuple[Selected, ...]
    way: tuple[Selected, ...]
    parts: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class StreamPart(Part):
    """What follows the first rows of a connection's list. `place` is the connection's.

    Attributes:
        key: Of the list.
        streamed: How it is put off.
    """

    key: str
    streamed: Streamed

    @property
    def connection(self) -> Sliced:
        """The connection, with this list alone, of which what follows is read."""
        found = self.selected[-1]
        assert isinstance(found, Sliced)  # noqa: S101 - made so
        return found


@dataclass(frozen=True, slots=True)
class Split:
    """A selection taken apart: the root fields that are answered first, and what is put off."""

    first: tuple[Selected, ...]
    parts: tuple[Part, ...]


def split(
    schema: GraphQLSchema,
    catalog: Catalog,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    *,
    max_page_size: int,
) -> Split:
    """Take a query's selection apart.

    Args:
        variables: Only the values of variables in `@skip`, `@include`, `@defer` and `@stream` matter.

    Raises:
        ApiError: BAD_USER_INPUT for an `initialCount` that is null or negative.
    """
    return _Splitting(schema, operation, fragments, variables, catalog, max_page_size).split()


class _Kind(Enum):
    ROOT = auto()
    ROW = auto()
    CONNECTION = auto()
    EDGE = auto()
    OTHER = auto()


_Make = Callable[[tuple[Selected, ...]], Selected]


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a level of the selection is.

    Attributes:
        row: The nearest row, here or above.
        way: The fields that lead to that row, and `through` the connection between it and what is below.
        make: Of a connection: makes its field with other fields below it.
    """

    kind: _Kind
    place: Keys
    row: Keys | None = None
    way: tuple[Selected, ...] = ()
    through: Selected | None = None
    make: _Make | None = None


_Into = list[Part]
_Base = frozenset[int | None]


@dataclass(slots=True)
class _Level:
    """The fields of one level: those answered with it, and those put off, by the fragments that do so."""

    here: GroupedFieldSet = field(default_factory=dict)
    apart: dict[tuple[int, ...], GroupedFieldSet] = field(default_factory=dict)


class _Splitting(Merging):
    """Fragments are told apart by the identity of what graphql-core makes of each, since two may read the same."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        catalog: Catalog,
        max_page_size: int,
    ) -> None:
        super().__init__(schema, operation, fragments, variables)
        self._max_page_size = max_page_size
        self._catalog = catalog
        self._fragments: dict[int, tuple[DeferUsage, Fragment]] = {}
        self._streaming = True

    def split(self) -> Split:
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None  # noqa: S101 - validation refused the operation otherwise
        collected = collect_fields(self.schema, self.fragments, self.variables, root, self.operation)
        parts: _Into = []
        first = self._level(root, collected, _Site(_Kind.ROOT, ()), frozenset({None}), parts)
        return Split(first, tuple(parts))

    def _level(
        self, type_: GraphQLObjectType, collected: CollectedFields, site: _Site, base: _Base, into: _Into
    ) -> tuple[Selected, ...]:
        for usage in collected.new_defer_usages:
            self._fragments[id(usage)] = (usage, Fragment(usage.label, site.place))
        grouped = collected.grouped_field_set
        if site.kind in {_Kind.EDGE, _Kind.OTHER}:
            base |= {_id(each.defer_usage) for details in grouped.values() for each in details}
        level = _sorted(grouped, base)
        begin = len(into)
        for usages, fields in level.apart.items():
            below: _Into = []
            selected = self._group(type_, fields, site, base.union(usages), below)
            if site.row is not None:
                selected = (_row_key(type_ if site.make is None else selected[0].parent_type), *selected)
            fragments = tuple(self._fragments[usage][1] for usage in usages)
            into.append(Part(fragments, site.place, site.row, selected, site.way, tuple(below)))
        made = self._group(type_, level.here, site, base, into)
        if site.kind is _Kind.ROW and any(part.row == site.place for part in into[begin:]):
            return (_row_key(type_), *made)
        return made

    def _group(
        self, type_: GraphQLObjectType, grouped: GroupedFieldSet, site: _Site, base: _Base, into: _Into
    ) -> tuple[Selected, ...]:
        """Fields that are read together; of a connection its own field, with these below it."""
        if site.make is not None:
            return _with_beside(self._connection(type_, grouped, site, base, into))
        return self._fields(type_, grouped, site, base, into)

    def _fields(
        self, parent: GraphQLObjectType, grouped: GroupedFieldSet, site: _Site, base: _Base, into: _Into
    ) -> tuple[Selected, ...]:
        return tuple(
            found
            for key, details in grouped.items()
            for found in _with_beside(self._one(parent, key, details, site, base, into))
        )

    def _one(
        self,
        parent: GraphQLObjectType,
        key: str,
        details: FieldDetailsList,
        site: _Site,
        base: _Base,
        into: _Into,
    ) -> Selected:
        node = details[0].node
        definition = None if node.name.value == "__typename" else self.schema.get_field(parent, node.name.value)
        type_ = None if definition is None else get_named_type(definition.type)

        def make(children: tuple[Selected, ...]) -> Selected:
            made = Selected(key, node, parent, definition, lambda _: children)
            if site.kind is _Kind.ROOT and definition is not None:
                made.declaration = strawberry_definition(definition)
            return made

        if not isinstance(type_, GraphQLObjectType):
            made = self.field(parent, key, details)  # of an interface all is answered at once
            if site.kind is _Kind.ROOT and definition is not None:
                made.declaration = strawberry_definition(definition)
            return made
        inner = self._below(site, parent, key, node.name.value, type_, make)
        collected = collect_subfields(self.schema, self.fragments, self.variables, self.operation, type_, details)
        found = self._level(type_, collected, inner, base, into)
        return make(found) if inner.make is None else found[0]

    def _connection(
        self, type_: GraphQLObjectType, grouped: GroupedFieldSet, site: _Site, base: _Base, into: _Into
    ) -> Selected:
        """A connection's field with these below it, of which the first rows alone are read where others are put off."""
        assert site.make is not None  # noqa: S101 - of a connection
        found = in_list(grouped, self.variables) if self._streaming else None
        if found is None:
            return site.make(self._fields(type_, grouped, site, base, into))
        key, streamed = found
        whole, most = site.make(()), self._max_page_size
        begin, behind = streamed.begin(most), streamed.behind(most)
        pages = {each: details for each, details in grouped.items() if name_of(grouped, each) == "pageInfo"}
        others = {each: details for each, details in grouped.items() if each not in pages}
        first = self._fields(type_, others, replace(site, through=Sliced(whole, (), begin)), base, into)
        page = self._fields(type_, pages, site, base, into)
        inside: _Into = []
        # In rows that follow, lists come whole: they are late already, and Apollo Client takes no others there.
        self._streaming = False
        rows = self._one(type_, key, grouped[key], replace(site, through=Sliced(whole, (), behind)), base, inside)
        self._streaming = True
        rest: tuple[Selected, ...] = (Sliced(whole, (rows,), behind),)
        if site.row is not None:
            rest = (_row_key(whole.parent_type), *rest)
        fragments = (Fragment(streamed.label, (*site.place, key)),)
        into.append(StreamPart(fragments, site.place, site.row, rest, site.way, tuple(inside), key, streamed))
        return Sliced(whole, (*first, page_end(type_)) if streamed.first else first, begin, page)

    def _below(
        self,
        site: _Site,
        parent: GraphQLObjectType,
        key: str,
        name: str,
        type_: GraphQLObjectType,
        make: _Make,
    ) -> _Site:
        """Where the fields below a field are."""
        place = (*site.place, key)
        way = site.way if site.through is None else (*site.way, site.through)
        row = _Site(_Kind.ROW, place, place, way)
        match site.kind:
            case _Kind.ROOT | _Kind.ROW:
                if site.kind is _Kind.ROW and name not in self._catalog[parent.name].relations:
                    return _Site(_Kind.OTHER, place)
                if "pageInfo" in type_.fields:
                    return _Site(_Kind.CONNECTION, place, site.row, way, through=make(()), make=make)
                if type_.name in self._catalog.by_type:
                    return _Site(_Kind.ROW, place, place, (*way, make(())))
            case _Kind.CONNECTION if name == "nodes":
                return row
            case _Kind.CONNECTION if name == "edges":
                return _Site(_Kind.EDGE, place, site.row, site.way, site.through)
            case _Kind.EDGE if name == "node":
                return row
        return _Site(_Kind.OTHER, place)


def _sorted(grouped: GroupedFieldSet, base: _Base) -> _Level:
    level = _Level()
    for key, details in grouped.items():
        if any(_id(each.defer_usage) in base for each in details):
            level.here[key] = details
            continue
        usages = {id(each.defer_usage): each.defer_usage for each in details}
        # What is inside of another comes with that.
        outermost = [
            number
            for number, usage in usages.items()
            if not any(id(above) in usages for above in _chain(usage) if above is not usage)
        ]
        level.apart.setdefault(tuple(outermost), {})[key] = details
    return level


def _with_beside(selected: Selected) -> tuple[Selected, ...]:
    return (selected, *selected.beside) if isinstance(selected, Sliced) else (selected,)


def _chain(usage: DeferUsage | None) -> Iterator[DeferUsage]:
    """A fragment and those that it is inside of."""
    while usage is not None:
        yield usage
        usage = usage.parent_defer_usage


def _id(usage: DeferUsage | None) -> int | None:
    return None if usage is None else id(usage)


def _row_key(type_: GraphQLObjectType) -> Selected:
    node = FieldNode(name=NameNode(value="nodeId"), arguments=())
    return Selected(ROW_KEY, node, type_, None, lambda _: ())
