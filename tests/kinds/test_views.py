"""A view is read like a table and written by nobody; a vector is there and in nothing."""

import pytest

from gql.catalog import catalog
from gql.declare import NEVER, REQUIRED, column, table
from tests.support import Person


async def test_a_view_is_read_like_a_table(person: Person) -> None:
    document = """mutation { createTextSample(input: { code: "viewed", label: "v", marks: [
        { note: "a" }, { note: "b" }, { note: "c" }] }) { code } }"""
    await person.ask(document)
    fields = "nodes { nodeId number shouted textSample { label } } totalCount pageInfo { endCursor }"
    of_this = 'filter: { textSample: { code: { eq: "viewed" } }, shouted: { neq: "A" } }'
    page = (await person.ask(f"{{ notes({of_this}, first: 1) {{ {fields} }} }}"))["notes"]
    (first,) = page["nodes"]
    assert (first["shouted"], first["textSample"], page["totalCount"]) == ("C", {"label": "v"}, 2)
    after = page["pageInfo"]["endCursor"]
    page = (await person.ask(f"query ($at: String) {{ notes({of_this}, after: $at) {{ {fields} }} }}", at=after))[
        "notes"
    ]
    assert [row["shouted"] for row in page["nodes"]] == ["B"]
    found = await person.ask("query ($n: BigInt!) { note(number: $n) { shouted } }", n=first["number"])
    assert found["note"] == {"shouted": "C"}
    found = await person.ask("query ($id: ID!) { node(nodeId: $id) { ... on Note { shouted } } }", id=first["nodeId"])
    assert found["node"] == {"shouted": "C"}


async def test_nothing_writes_a_view_or_names_a_vector(person: Person) -> None:
    found = await person.ask("{ __schema { types { name fields { name } inputFields { name } } } }")
    types = {
        each["name"]: [*(each["fields"] or ()), *(each["inputFields"] or ())] for each in found["__schema"]["types"]
    }
    written = {field["name"] for field in types["Mutation"] if "Note" in field["name"]}
    assert (written, {"CreateNoteInput", "NotePatch"} & set(types)) == (set(), set())
    named = [name for name, fields in types.items() if any(field["name"] == "embedding" for field in fields)]
    assert named == []
    made = 'mutation { createUuidSample(input: { label: "with a vector" }) { label } }'
    assert (await person.ask(made))["createUuidSample"] == {"label": "with a vector"}


@pytest.mark.parametrize(
    ("columns", "said", "problem"),
    [
        ({"code": (str, REQUIRED)}, {"read_only": True, "key": "code"}, "nobody writes a view"),
        ({"id": (int, NEVER), "code": (str, REQUIRED)}, {"written_by_functions": True}, "functions alone write never"),
        ({"code": (str, NEVER)}, {}, "has no column id"),
        ({"id": (int, NEVER)}, {}, "a uuid, a text or a bigint"),
        ({"id": (str, REQUIRED)}, {}, "never changes"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(columns: dict, said: dict, problem: str) -> None:  # type: ignore[type-arg]
    body = {"__annotations__": {name: kind for name, (kind, _) in columns.items()}, "__doc__": "Never declared."}
    body |= {name: column(write=write) for name, (_, write) in columns.items()}
    with pytest.raises(ValueError, match=problem):
        table("never", **said)(type("Never", (), body))
    assert catalog.get("Never") is None
