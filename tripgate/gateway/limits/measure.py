"""How large a document is, fragments expanded: one pass over its text and one over its fragments, whatever they stand
for.

Each definition is walked once. What a fragment amounts to is put together once, from what the fragments in it amount
to, so a chain that doubles at each step costs as many steps as it has links. Unknown fragments and those that contain
themselves count for nothing here; validation refuses them.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
)

_ROOTS = frozenset({"__schema", "__type"})
_LISTS = frozenset(
    {"types", "directives", "fields", "args", "inputFields", "enumValues", "interfaces", "possibleTypes"}
)
"""The lists of the introspection schema."""


@dataclass(slots=True)
class Size:
    """What a selection amounts to.

    Attributes:
        depth: Fields inside each other. Fragments are no step; `__schema` and `__type` end it.
        selections: Fields, spreads and inline fragments, without those below `__schema` and `__type`.
        lists: Fields called like a list of the introspection schema inside each other. It means something only where
            the selection turns out to be introspection.
        values: Objects, lists, plain values and variables in arguments, each as often as it is spread; `uses` how often
            each variable stands among them, and `defaults` how many values the default of each has.
        inner_depth, inner_lists, inner_selections: The same below each `__schema` and `__type`, these being the first
            step of a depth.
    """

    depth: int = 0
    selections: int = 0
    lists: int = 0
    aliases: int = 0
    directives: int = 0
    values: int = 0
    uses: dict[str, int] = field(default_factory=dict)
    defaults: dict[str, int] = field(default_factory=dict)
    inner_depth: int = 0
    inner_lists: int = 0
    inner_selections: int = 0


@dataclass(slots=True)
class _Spread:
    """A spread, and where in its definition: below how many fields and lists, and whether inside of introspection."""

    name: str
    depth: int
    lists: int
    inner: bool


@dataclass(slots=True)
class _Part:
    """What one definition amounts to by itself, and what it spreads."""

    size: Size = field(default_factory=Size)
    spreads: list[_Spread] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measured:
    """A document.

    Attributes:
        operations: Each with what it amounts to.
        input_depth: Objects and lists inside each other in a literal, and `input_list` the longest list.
    """

    operations: tuple[tuple[OperationDefinitionNode, Size], ...]
    fragments: Mapping[str, FragmentDefinitionNode]
    input_depth: int
    input_list: int


def measure(document: DocumentNode) -> Measured:
    """Measure a document that has been parsed and need not be valid."""
    walk = _Walk()
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    sizes = _sizes({name: walk.part(node) for name, node in fragments.items()})
    operations = tuple(
        (node, _whole(walk.part(node), sizes))
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )
    return Measured(operations, fragments, walk.input_depth, walk.input_list)


def root_keys(node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> frozenset[str]:
    """The response keys of an operation's root fields; each fragment is looked through once."""
    keys: set[str] = set()
    seen: set[str] = set()
    waiting = [node.selection_set]
    while waiting:
        for each in waiting.pop().selections:
            if isinstance(each, FieldNode):
                keys.add((each.alias or each.name).value)
            elif not isinstance(each, FragmentSpreadNode):
                waiting.append(each.selection_set)  # type: ignore[attr-defined]
            elif each.name.value not in seen and each.name.value in fragments:
                seen.add(each.name.value)
                waiting.append(fragments[each.name.value].selection_set)
    return frozenset(keys)


class _Walk:
    """Walks definitions, never from one into another, so no recursion is deeper than what the parser lets through."""

    def __init__(self) -> None:
        self.input_depth = 0
        self.input_list = 0

    def part(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> _Part:
        part = _Part()
        part.size.directives = len(node.directives or ())
        for variable in node.variable_definitions or ():
            part.size.directives += len(variable.directives or ())
            if variable.default_value is not None:
                before = part.size.values
                self._value(part.size, variable.default_value, 0)
                part.size.defaults[variable.variable.name.value] = part.size.values - before
        self._selections(part, node.selection_set.selections, 0, 0, inner=False)
        return part

    def _selections(self, part: _Part, nodes: Iterable[SelectionNode], depth: int, lists: int, *, inner: bool) -> None:
        """Add selections that stand below so many fields and lists, counted from the introspection's root if inner."""
        size = part.size
        for node in nodes:
            for directive in node.directives or ():
                size.directives += 1
                for argument in directive.arguments or ():
                    self._value(size, argument.value, 0)
            if inner:
                size.inner_selections += 1
            else:
                size.selections += 1
            if isinstance(node, FieldNode):
                self._field(part, node, depth, lists, inner=inner)
            elif isinstance(node, FragmentSpreadNode):
                part.spreads.append(_Spread(node.name.value, depth, lists, inner))
            else:
                self._selections(part, node.selection_set.selections, depth, lists, inner=inner)  # type: ignore[attr-defined]

    def _field(self, part: _Part, node: FieldNode, depth: int, lists: int, *, inner: bool) -> None:
        size = part.size
        if node.alias is not None:
            size.aliases += 1
        for argument in node.arguments or ():
            self._value(size, argument.value, 0)
        name = node.name.value
        depth += 1
        lists += name in _LISTS
        if inner:
            size.inner_depth = max(size.inner_depth, depth)
            size.inner_lists = max(size.inner_lists, lists)
        else:
            size.depth = max(size.depth, depth)
            size.lists = max(size.lists, lists)
        if name in _ROOTS:
            inner, depth, lists = True, 1, 0
            size.inner_depth = max(size.inner_depth, depth)
        if node.selection_set is not None:
            self._selections(part, node.selection_set.selections, depth, lists, inner=inner)

    def _value(self, size: Size, node: ValueNode, depth: int) -> None:
        size.values += 1
        if isinstance(node, VariableNode):
            name = node.name.value
            size.uses[name] = size.uses.get(name, 0) + 1
            return
        if isinstance(node, ListValueNode):
            self.input_list = max(self.input_list, len(node.values))
            inside: Iterable[ValueNode] = node.values
        elif isinstance(node, ObjectValueNode):
            inside = (each.value for each in node.fields)
        else:
            return
        depth += 1
        self.input_depth = max(self.input_depth, depth)
        for each in inside:
            self._value(size, each, depth)


def _sizes(parts: Mapping[str, _Part]) -> dict[str, Size]:
    """What each fragment amounts to, each put together once, behind those that it spreads; without recursion."""
    done: dict[str, Size] = {}
    for root in parts:
        if root in done:
            continue
        path: list[tuple[str, Iterator[_Spread]]] = [(root, iter(parts[root].spreads))]
        open_ = {root}
        while path:
            name, spreads = path[-1]
            for spread in spreads:
                below = spread.name
                if below in parts and below not in done and below not in open_:
                    path.append((below, iter(parts[below].spreads)))
                    open_.add(below)
                    break
            else:
                path.pop()
                open_.remove(name)
                done[name] = _whole(parts[name], done)
    return done


def _whole(part: _Part, sizes: Mapping[str, Size]) -> Size:
    """What a definition amounts to with all that it spreads."""
    whole = dataclasses.replace(part.size, uses=dict(part.size.uses))
    for spread in part.spreads:
        size = sizes.get(spread.name)
        if size is None:
            continue
        whole.aliases += size.aliases
        whole.directives += size.directives
        whole.values += size.values
        for name, times in size.uses.items():
            whole.uses[name] = whole.uses.get(name, 0) + times
        whole.inner_depth = max(whole.inner_depth, size.inner_depth)
        whole.inner_lists = max(whole.inner_lists, size.inner_lists)
        whole.inner_selections += size.inner_selections
        if spread.inner:
            whole.inner_depth = max(whole.inner_depth, spread.depth + size.depth)
            whole.inner_lists = max(whole.inner_lists, spread.lists + size.lists)
            whole.inner_selections += size.selections
        else:
            whole.depth = max(whole.depth, spread.depth + size.depth)
            whole.lists = max(whole.lists, spread.lists + size.lists)
            whole.selections += size.selections
    return whole
