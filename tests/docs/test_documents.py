"""Documents that the pages show are valid over the schema as it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse, validate

ROOT = Path(__file__).parents[2]
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
BLOCK = re.compile(r"^ *```graphql\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# What stands in documents of another schema, or in none.
ELSEWHERE = ("_entities", "speechChanges", "type Tag implements", "trips(first: Int")


def blocks() -> Iterator[tuple[str, str]]:
    """Each with the page that it is on."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in BLOCK.findall(page.read_text()):
            if not any(mark in block for mark in ELSEWHERE):
                yield page.name, block


@pytest.mark.parametrize("page", sorted({page for page, _ in blocks()}))
def test_the_documents_of_a_page_are_valid(page: str) -> None:
    wrong = []
    for _, block in filter(lambda found: found[0] == page, blocks()):
        definitions = parse(block).definitions
        fragments = [one for one in definitions if isinstance(one, FragmentDefinitionNode)]
        # A block may show several operations without names, which no request could hold.
        for operation in (one for one in definitions if isinstance(one, OperationDefinitionNode)):
            errors = validate(SCHEMA, DocumentNode(definitions=(operation, *fragments)))
            wrong += [error.message for error in errors if "is never used" not in error.message]
    assert wrong == []


def test_there_are_documents() -> None:
    assert {"whatsapp.md", "payments.md", "queries.md"} <= {page for page, _ in blocks()}
