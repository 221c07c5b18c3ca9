"""Whatever a document puts off, wherever `@defer` and `@stream` may stand: all parts together are its answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from graphql import DirectiveNode, OperationDefinitionNode, Visitor, parse, print_ast, validate, visit
from hypothesis import HealthCheck, assume, event, given, note, settings
from hypothesis import strategies as st

from tests.differential.documents import documents
from tests.incremental.parts import BY_ID, BY_PATH, parts, put_together
from tests.support import Person, examples, serving
from tripgate.gateway.schema import graphql_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
async def asking(seeded: StackInfo, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway that takes more of everything than a person would write."""
    async with serving(seeded, max_aliases=1000, max_directives=1000, max_cost=1_000_000) as url:
        yield dataclasses.replace(ada, url=url)


def put_off(text: str, draw: Any) -> str:
    """The document with some of its lists and fragments put off."""

    def some(node: Any, directive: str) -> Any:
        if not draw(st.booleans()):
            return None
        added = directive_of(directive)
        return dataclasses.replace(node, directives=(*(node.directives or ()), added))

    class PutOff(Visitor):
        def leave_field(self, node: Any, *_: Any) -> Any:
            if node.name.value not in {"nodes", "edges"} or node.arguments:
                return None
            return some(node, f"@stream(initialCount: {draw(st.integers(0, 3))})")

        def leave_inline_fragment(self, node: Any, *_: Any) -> Any:
            return some(node, "@defer")

        def leave_fragment_spread(self, node: Any, *_: Any) -> Any:
            return some(node, "@defer")

    made = visit(parse(text), PutOff())
    assume(not validate(graphql_schema(), made))
    return print_ast(made)


def directive_of(text: str) -> DirectiveNode:
    """A directive."""
    (operation,) = parse(f"query {text} {{ x }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.directives is not None
    return operation.directives[0]


@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(data=st.data(), accept=st.sampled_from([BY_PATH, BY_ID]))
async def test_all_parts_together_are_the_whole_answer(asking: Person, data: st.DataObject, accept: str) -> None:
    document = data.draw(documents())
    query = put_off(document.text, data.draw)
    note(f"{query}\n{document.variables}")
    _, whole = await asking.post(document.text, **document.variables)
    assume("errors" not in whole)
    found = await parts(asking, query, accept, **document.variables)
    event(f"{len(found)} parts")
    assert put_together(found) == whole["data"]
