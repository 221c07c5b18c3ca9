"""Documents for the tests of limits: random ones, and a plain way to count what they select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode
from hypothesis import strategies as st

NAMES = ["id", "title", "trips", "nodes", "fields", "args", "types", "ofType", "__schema", "__type", "__typename"]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Documents of one or two operations and up to five fragments. Few are valid, and none contains itself.

    A fragment spreads those behind it, and sometimes one that there is not.
    """
    count = draw(st.integers(0, 5))
    parts = [
        f"query Q{number}{_directives(draw)} {_selection_set(draw, 0, count)}"
        for number in range(draw(st.integers(1, 2)))
    ]
    parts += [
        f"fragment F{number} on Trip{_directives(draw)} {_selection_set(draw, number + 1, count)}"
        for number in range(count)
    ]
    return "\n".join(draw(st.permutations(parts)))


def _selection_set(draw: st.DrawFn, first: int, count: int, depth: int = 3) -> str:
    """Selections that spread fragments from `first` on; `count` there are."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.integers(0, 9))
        if way < 3:
            found.append(f"...F{draw(st.integers(first, count))}{_directives(draw)}")
        elif way == 3 and depth:
            found.append(f"...{_directives(draw)} {_selection_set(draw, first, count, depth - 1)}")
        else:
            alias = draw(st.sampled_from(["", "", "a: ", "b: "]))
            below = _selection_set(draw, first, count, depth - 1) if depth and way > 6 else ""
            found.append(f"{alias}{draw(st.sampled_from(NAMES))}{_directives(draw)} {below}")
    return f"{{ {' '.join(found)} }}"


def _directives(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", "", "", " @a", " @a @b"]))


@dataclass
class Counted:
    """What an operation amounts to, counted field by field."""

    depth: int = 0
    selections: int = 0
    aliases: int = 0
    directives: int = 0
    inner_depth: int = 0
    inner_lists: int = 0
    inner_selections: int = 0


LISTS = {"types", "directives", "fields", "args", "inputFields", "enumValues", "interfaces", "possibleTypes"}


def counted(document: DocumentNode, operation: OperationDefinitionNode) -> Counted:
    """Walk down every fragment wherever it is spread, which takes as long as the document is large when expanded."""
    found = Counted(directives=len(operation.directives or ()))
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

    def walk(nodes: Any, depth: int, lists: int, inner: bool) -> None:
        for node in nodes:
            found.directives += len(node.directives or ())
            if inner:
                found.inner_selections += 1
            else:
                found.selections += 1
            if isinstance(node, FragmentSpreadNode):
                if (fragment := fragments.get(node.name.value)) is not None:
                    found.directives += len(fragment.directives or ())
                    walk(fragment.selection_set.selections, depth, lists, inner)
            elif isinstance(node, FieldNode):
                field(node, depth + 1, lists + (node.name.value in LISTS), inner)
            else:
                walk(node.selection_set.selections, depth, lists, inner)

    def field(node: FieldNode, depth: int, lists: int, inner: bool) -> None:
        found.aliases += node.alias is not None
        if inner:
            found.inner_depth, found.inner_lists = max(found.inner_depth, depth), max(found.inner_lists, lists)
        else:
            found.depth = max(found.depth, depth)
        if node.name.value in {"__schema", "__type"}:
            depth, lists, inner = 1, 0, True
            found.inner_depth = max(found.inner_depth, 1)
        walk(node.selection_set.selections if node.selection_set else (), depth, lists, inner)

    walk(operation.selection_set.selections, 0, 0, False)
    return found
