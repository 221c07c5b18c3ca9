"""docs/queries.md and the README: every example answers as it says, and no operator is missing.

After a change that is meant, `pytest tests/docs/test_queries.py --rewrite-cases` writes the answers anew.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import GraphQLInputObjectType, OperationDefinitionNode, OperationType, parse

from gql.catalog import catalog
from tests.support import Person
from tripgate.gateway.schema import graphql_schema

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
EXAMPLE = re.compile(r"^```graphql\n(.*?)```\n(?:\n```json\n(.*?)```\n)?", re.DOTALL | re.MULTILINE)


def examples(kind: OperationType) -> list[Any]:
    """Each example of a kind: its document, and the answer below it."""
    found = []
    for number, (document, answer) in enumerate(EXAMPLE.findall(PAGE.read_text())):
        (operation,) = (each for each in parse(document).definitions if isinstance(each, OperationDefinitionNode))
        if operation.operation is kind:
            found.append(pytest.param(document, answer, id=str(number)))
    return found


@pytest.mark.parametrize(("document", "answer"), examples(OperationType.QUERY))
async def test_a_query_answers_as_printed(ada: Person, document: str, answer: str, *, rewrite_cases: bool) -> None:
    check(document, answer, await ada.ask(document), rewrite=rewrite_cases)


@pytest.mark.parametrize(("document", "answer"), examples(OperationType.MUTATION))
async def test_a_mutation_answers_as_printed(
    anonymous: Person, document: str, answer: str, *, rewrite_cases: bool
) -> None:
    person = await anonymous.sign_up()
    made = await person.ask(
        """mutation {
          createTrip(input: { title: "Rome", items: [{ title: "Dinner" }] }) {
            id updatedAt items { nodes { id } } }
          createPlace(input: { name: "Trattoria" }) { id } }"""
    )
    trip, place = made["createTrip"], made["createPlace"]["id"]
    (item,) = (node["id"] for node in trip["items"]["nodes"])
    await person.ask(
        "mutation ($id: UUID!, $place: UUID!) { updateTripItem(id: $id, patch: { placeId: $place }) { id } }",
        id=item,
        place=place,
    )
    variables = {"trip": trip["id"], "updatedAt": trip["updatedAt"], "item": item, "place": place}
    wanted = {name: value for name, value in variables.items() if f"${name}:" in document}
    check(document, answer, await person.ask(document, **wanted), rewrite=rewrite_cases)


async def test_the_first_query_of_the_readme(ada: Person) -> None:
    text = (PAGE.parents[1] / "README.md").read_text()
    query = re.search(r'"query": ("\{ trips.*")', text)
    answer = re.search(r"^```json\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert query
    assert answer
    assert {"data": await ada.ask(orjson.loads(query[1]))} == orjson.loads(answer[1])


def check(document: str, answer: str, found: object, *, rewrite: bool) -> None:
    """Compare with the printed answer; when cases are rewritten, print what was found below the document."""
    if rewrite:
        printed = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
        before, _, after = PAGE.read_text().partition(f"```graphql\n{document}```\n")
        after = re.sub(r"\A\n```json\n.*?```\n", "", after, flags=re.DOTALL)
        PAGE.write_text(f"{before}```graphql\n{document}```\n\n```json\n{printed}\n```\n{after}")
    else:
        assert found == orjson.loads(answer)


def test_every_operator_is_documented() -> None:
    told = {
        name
        for row in re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    rows = {f"{table.type_name}{suffix}" for table in catalog for suffix in ("Filter", "RelationFilter")}
    operators = {
        field
        for name, type_ in graphql_schema().type_map.items()
        if isinstance(type_, GraphQLInputObjectType)
        and name.endswith("Filter")
        and name not in {*rows, "JSONPathFilter"}
        for field in type_.fields
    }
    assert told == operators
    shown = "".join(document for document, _ in EXAMPLE.findall(PAGE.read_text()))
    assert {operator for operator in operators if not re.search(rf"\b{operator}: [^t]", shown)} == set()
