"""Relations between Postgres schemas: one request more for all rows, pages of their own, and policies on both sides."""

from typing import Any
from unittest.mock import ANY

import aiohttp
import psycopg
import pytest

from tests.incremental.parts import parts, put_together
from tests.support import Person, backend

REFUSED = "GRAPHQL_VALIDATION_FAILED"


@pytest.fixture
async def person(http: aiohttp.ClientSession, sampler: str, database: psycopg.Connection) -> Person:
    """Somebody in a database without rows."""
    database.execute("truncate public.text_samples, public.marks, meetings.meetings cascade")
    return await Person(http, sampler).sign_up()


@pytest.fixture
async def other(person: Person) -> Person:
    """Somebody else."""
    return await Person(person.http, person.url).sign_up()


async def sample(person: Person, code: str, *notes: str) -> None:
    document = "mutation ($input: CreateTextSampleInput!) { createTextSample(input: $input) { code } }"
    await person.ask(document, input={"code": code, "label": code.upper(), "marks": [{"note": note} for note in notes]})


async def meeting(person: Person, title: str, sample_code: str | None = None, **fields: Any) -> str:
    document = "mutation ($input: CreateMeetingInput!) { createMeeting(input: $input) { id } }"
    made = await person.ask(document, input={"title": title, "sampleCode": sample_code, **fields})
    return str(made["createMeeting"]["id"])


async def explained(person: Person, query: str, **variables: Any) -> tuple[Any, list[str]]:
    """The data, and what was asked for it: the schema, where it is not the first, and the table or function.

    Where Postgres is asked itself, one query a field reads over all schemas, and that is all there is to compare.
    """
    headers = {"Authorization": f"Bearer {person.token}"}
    body = {"query": query, "variables": variables, "extensions": {"explain": True}}
    async with person.http.post(person.url, json=body, headers=headers) as response:
        answer = await response.json()
    assert "errors" not in answer, answer["errors"]
    fields = answer["extensions"]["explain"]["fields"].values()
    requests = [each for field in fields for each in field["requests"]]
    if backend() == "postgres":
        assert [len(field["requests"]) for field in fields] == [1] * len(fields)
        return answer["data"], ANY
    return answer["data"], [
        f"{each.get('schema', '')}/{each['path'].removeprefix('/rest/v1/').partition('?')[0]}" for each in requests
    ]


async def test_what_rows_of_a_list_refer_to_is_one_request_more(person: Person) -> None:
    await sample(person, "a")
    await sample(person, "b")
    for title, code in (("1", "a"), ("2", "b"), ("3", "a"), ("4", None)):
        await meeting(person, title, code)
    data, asked = await explained(person, "{ meetings { nodes { title textSample { code label } } totalCount } }")
    assert data["meetings"] == {
        "nodes": [
            {"title": title, "textSample": code and {"code": code, "label": code.upper()}}
            for title, code in (("1", "a"), ("2", "b"), ("3", "a"), ("4", None))
        ],
        "totalCount": 4,
    }
    assert asked == ["meetings/meetings", "/text_samples"]


async def test_without_rows_that_refer_to_any_nothing_more_is_asked(person: Person) -> None:
    await meeting(person, "alone")
    for document in (
        "{ meetings { nodes { textSample { code } } } }",
        '{ meetings(filter: { title: { eq: "none" } }) { nodes { textSample { code } } } }',
    ):
        assert (await explained(person, document))[1] == ["meetings/meetings"]


async def test_each_row_has_a_page_of_its_own_from_the_other_side(person: Person) -> None:
    for code in ("a", "b", "c"):
        await sample(person, code)
    for number in range(5):
        await meeting(person, f"a{number}", "a", minutes=number)
    await meeting(person, "b0", "b", minutes="9007199254740993")
    document = """query ($after: String) { textSamples { nodes { code
        longest: meetings(first: 2, after: $after, orderBy: [{ minutes: DESC }], filter: { title: { neq: "a3" } }) {
            totalCount nodes { title } pageInfo { hasNextPage endCursor } aggregate { sum { minutes } } }
        meetings(last: 1) { edges { node { id title } } } } } }"""
    data, asked = await explained(person, document)
    assert asked == ["/text_samples", "meetings/public_text_samples_keys"]
    first, second, third = data["textSamples"]["nodes"]
    assert [node["title"] for node in first["longest"]["nodes"]] == ["a4", "a2"]
    assert (first["longest"]["totalCount"], first["longest"]["aggregate"]) == (4, {"sum": {"minutes": "7"}})
    assert first["longest"]["pageInfo"]["hasNextPage"]
    assert first["meetings"]["edges"][0]["node"]["title"] == "a4"
    assert second["longest"]["aggregate"] == {"sum": {"minutes": "9007199254740993"}}
    assert [node["title"] for node in second["longest"]["nodes"]] == ["b0"]
    assert third == {
        "code": "c",
        "longest": {
            "totalCount": 0,
            "nodes": [],
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "aggregate": {"sum": {"minutes": None}},
        },
        "meetings": {"edges": []},
    }
    found = await person.ask(document, after=first["longest"]["pageInfo"]["endCursor"])
    assert [node["title"] for node in found["textSamples"]["nodes"][0]["longest"]["nodes"]] == ["a1", "a0"]


async def test_seams_below_seams_and_below_embedded_rows(person: Person) -> None:
    await sample(person, "a", "first", "second")
    held = await meeting(person, "held", "a")
    marks = (await person.ask("{ marks { nodes { id note } } }"))["marks"]["nodes"]
    document = "mutation ($input: CreateMeetingMarkInput!) { createMeetingMark(input: $input) { id } }"
    for mark in marks:
        await person.ask(document, input={"meetingId": held, "markId": mark["id"], "note": f"on {mark['note']}"})
    data, asked = await explained(
        person,
        "{ meetings(first: 2) { nodes { marks(first: 2) { nodes { note mark { note"
        " meetingMark { note } textSample { code meetings { nodes { title textSample { label } } } } } } } } } }",
    )
    assert data["meetings"]["nodes"] == [
        {
            "marks": {
                "nodes": [
                    {
                        "note": f"on {note}",
                        "mark": {
                            "note": note,
                            "meetingMark": {"note": f"on {note}"},
                            "textSample": {
                                "code": "a",
                                "meetings": {"nodes": [{"title": "held", "textSample": {"label": "A"}}]},
                            },
                        },
                    }
                    for note in ("first", "second")
                ]
            }
        }
    ]
    assert asked is ANY or sorted(asked) == [
        "/marks",
        "/text_samples",
        "meetings/meetings_by_title",
        "meetings/public_marks_keys",
        "meetings/public_text_samples_keys",
    ]


async def test_one_row_by_its_key_and_by_its_identifier(person: Person) -> None:
    await sample(person, "a")
    held = await meeting(person, "held", "a")
    shown = "nodeId title textSample { label meetings { totalCount } }"
    expected = {"title": "held", "textSample": {"label": "A", "meetings": {"totalCount": 1}}}
    for _ in range(2):  # planned, and from the kept plan
        found = (await person.ask(f"query ($id: BigInt!) {{ meeting(id: $id) {{ {shown} }} }}", id=held))["meeting"]
        node_id = found.pop("nodeId")
        assert found == expected
    found = await person.ask(f"query ($id: ID!) {{ node(nodeId: $id) {{ ... on Meeting {{ {shown} }} }} }}", id=node_id)
    assert found["node"] == {"nodeId": node_id, **expected}
    found = await person.ask(
        f"query ($id: ID!) {{ nodes(nodeIds: [$id]) {{ ... on Meeting {{ {shown} }} }} }}", id=node_id
    )
    assert found["nodes"] == [{"nodeId": node_id, **expected}]


async def test_what_writes_answer(person: Person) -> None:
    await sample(person, "a")
    await sample(person, "b")
    shown = "title textSample { label }"
    document = f"""mutation ($code: String!) {{
        createMeeting(input: {{ title: "1", sampleCode: $code }}) {{ {shown} }}
        createMeetings(inputs: [{{ title: "2", sampleCode: $code }}, {{ title: "3" }}]) {{ {shown} }}
        updateMeetings(filter: {{ title: {{ eq: "2" }} }}, patch: {{ sampleCode: "b" }}) {{ {shown} }}
        deleteMeetings(filter: {{ title: {{ in: ["2", "3"] }} }}, atMost: 2) {{ {shown} }} }}"""
    done = await person.ask(document, code="a")
    assert done["createMeeting"] == {"title": "1", "textSample": {"label": "A"}}
    assert done["createMeetings"] == [{"title": "2", "textSample": {"label": "A"}}, {"title": "3", "textSample": None}]
    assert done["updateMeetings"] == [{"title": "2", "textSample": {"label": "B"}}]
    assert done["deleteMeetings"] == [{"title": "2", "textSample": {"label": "B"}}, {"title": "3", "textSample": None}]
    (left,) = (await person.ask("{ meetings { nodes { id } } }"))["meetings"]["nodes"]
    document = f"mutation ($id: BigInt!) {{ updateMeeting(id: $id, patch: {{ sampleCode: null }}) {{ {shown} }} }}"
    assert (await person.ask(document, id=left["id"]))["updateMeeting"] == {"title": "1", "textSample": None}
    document = f"mutation ($id: BigInt!) {{ deleteMeeting(id: $id) {{ {shown} }} }}"
    assert (await person.ask(document, id=left["id"]))["deleteMeeting"] == {"title": "1", "textSample": None}


async def test_rows_that_come_along_within_the_other_schema(person: Person) -> None:
    held = await meeting(person, "held")
    document = """mutation ($input: CreateMeetingMarkInput!) { createMeetingMark(input: $input) {
        note meeting { title } replies { nodes { words } } } }"""
    given = {"meetingId": held, "note": "n", "replies": [{"words": "one"}, {"words": "two"}]}
    assert (await person.ask(document, input=given))["createMeetingMark"] == {
        "note": "n",
        "meeting": {"title": "held"},
        "replies": {"nodes": [{"words": "one"}, {"words": "two"}]},
    }


async def test_what_cascades_to_a_table_of_the_same_name_is_not_taken_for_what_was_meant(person: Person) -> None:
    await sample(person, "a", "first", "second")
    held = await meeting(person, "held")
    first, _ = (await person.ask("{ marks { nodes { id note } } }"))["marks"]["nodes"]
    document = "mutation ($input: CreateMeetingMarkInput!) { createMeetingMark(input: $input) { id } }"
    await person.ask(document, input={"meetingId": held, "markId": first["id"], "note": "on first"})
    await person.ask(document, input={"meetingId": held, "note": "on nothing"})
    await person.ask(document, input={"meetingId": held, "note": "on nothing"})
    gone = "mutation { deleteMarks(filter: { id: { isNull: false } }, atMost: 2) { note } }"
    assert (await person.ask(gone))["deleteMarks"] == [{"note": "first"}, {"note": "second"}]
    gone = "mutation { deleteMeetingMarks(filter: { id: { isNull: false } }, atMost: 2) { note } }"
    assert (await person.ask(gone))["deleteMeetingMarks"] == [{"note": "on nothing"}, {"note": "on nothing"}]


async def test_a_write_by_filter_of_another_schemas_rows_is_all_or_nothing(person: Person, other: Person) -> None:
    await meeting(person, "mine", isOpen=True)
    await meeting(other, "theirs", isOpen=True)
    document = """mutation { updateMeetings(filter: { isOpen: { eq: true } }, patch: { title: "new" }, atMost: 2) {
        title } }"""
    assert await person.code(document) == "FORBIDDEN"
    found = await person.ask("{ meetings { nodes { title } } }")
    assert found["meetings"]["nodes"] == [{"title": "mine"}, {"title": "theirs"}]


async def test_rows_of_a_function_and_of_a_long_list_of_keys(person: Person) -> None:
    await sample(person, "a")
    ids = [await meeting(person, title, "a", minutes=minutes) for title, minutes in (("short", 10), ("long", 90))]
    found = await person.ask("{ meetingsLongerThan(minutes: 30) { nodes { title textSample { label } } } }")
    assert found["meetingsLongerThan"]["nodes"] == [{"title": "long", "textSample": {"label": "A"}}]
    document = """query ($in: [BigInt!]) { meetings(filter: { id: { in: $in }, marks: { none: {} } }) {
        totalCount nodes { title textSample { label } } } }"""
    data, asked = await explained(person, document, **{"in": [*ids, *range(-300, 0)]})
    assert data["meetings"] == {
        "totalCount": 2,
        "nodes": [{"title": title, "textSample": {"label": "A"}} for title in ("long", "short")],
    }
    assert asked == ["meetings/rpc/meetings_by_ids", "/text_samples"]


async def test_two_tables_of_one_name_in_one_document(person: Person) -> None:
    await sample(person, "a", "of public")
    held = await meeting(person, "held")
    document = 'mutation ($id: BigInt!) { createMeetingMark(input: { meetingId: $id, note: "of meetings" }) { note } }'
    await person.ask(document, id=held)
    for _ in range(2):
        found = await person.ask("{ marks { nodes { note } } meetingMarks { nodes { note } } }")
        assert found == {
            "marks": {"nodes": [{"note": "of public"}]},
            "meetingMarks": {"nodes": [{"note": "of meetings"}]},
        }


@pytest.mark.parametrize(
    "arguments",
    [
        "filter: { textSample: { code: { eq: 1 } } }",
        "filter: { not: { textSample: {} } }",
        "orderBy: [{ textSample: { code: ASC } }]",
    ],
)
async def test_no_filter_and_no_order_leads_over(person: Person, arguments: str) -> None:
    assert await person.code(f"{{ meetings({arguments}) {{ nodes {{ title }} }} }}") == REFUSED
    other_side = "{ textSamples(filter: { meetings: { some: {} } }) { nodes { code } } }"
    assert await person.code(other_side) == REFUSED


async def test_policies_decide_on_both_sides(person: Person, other: Person) -> None:
    await sample(person, "mine")
    await meeting(person, "my open one", "mine", isOpen=True)
    await meeting(person, "my own", "mine")
    await meeting(other, "theirs", "mine")
    await meeting(other, "their open one", "mine", isOpen=True)
    forth = "{ meetings { totalCount nodes { title textSample { label } } } }"
    back = "{ textSamples { nodes { code meetings { totalCount nodes { title } } } } }"

    def rows(label: str | None, *titles: str) -> Any:
        return [{"title": title, "textSample": label and {"label": label}} for title in titles]

    mine, theirs = [(await each.ask(forth))["meetings"] for each in (person, other)]
    assert (mine["totalCount"], mine["nodes"]) == (3, rows("MINE", "my open one", "my own", "their open one"))
    # Who may not see the sample is not told of it, whoever's the meeting is.
    assert (theirs["totalCount"], theirs["nodes"]) == (3, rows(None, "my open one", "their open one", "theirs"))
    assert (await person.ask(back))["textSamples"]["nodes"] == [
        {
            "code": "mine",
            "meetings": {
                "totalCount": 3,
                "nodes": [{"title": title} for title in ("my open one", "my own", "their open one")],
            },
        }
    ]
    assert (await other.ask(back))["textSamples"]["nodes"] == []
    stranger = Person(person.http, person.url)
    assert await stranger.code(forth) == "UNAUTHENTICATED"


async def test_a_read_that_fails_further_on_fails_its_field_alone(person: Person, database: psycopg.Connection) -> None:
    await sample(person, "a")
    await meeting(person, "held", "a")
    database.execute("revoke select on public.text_samples from authenticated")
    try:
        _, body = await person.post("{ meetings { nodes { textSample { label } } } plain: meetings { totalCount } }")
    finally:
        database.execute("grant select on public.text_samples to authenticated")
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["meetings"], "FORBIDDEN")
    assert body["data"] == {"meetings": None, "plain": {"totalCount": 1}}


async def test_a_rule_of_the_schemas_own_table_is_named(person: Person) -> None:
    error = await person.refused('mutation { createMeeting(input: { title: "" }) { id } }')
    assert (error["code"], error["constraint"], error["field"]) == ("BAD_USER_INPUT", "meetings_title_check", "title")


async def test_rows_that_are_read_further_cost_each(person: Person) -> None:
    async def cost(document: str) -> Any:
        headers = {"Authorization": f"Bearer {person.token}"}
        async with person.http.post(
            person.url, json={"query": document, "extensions": {"explain": True}}, headers=headers
        ) as response:
            return (await response.json())["extensions"]["cost"]["requested"]

    without = await cost("{ meetings(first: 10) { nodes { title } } }")
    assert await cost("{ meetings(first: 10) { nodes { textSample { label } } } }") == without + 10
    within = await cost("{ marks(first: 10) { nodes { note textSample { label } } } }")
    assert within == without


@pytest.mark.parametrize("codes", [("a", "b"), ('odd, "(quoted)" ü', "null")])
async def test_lists_that_come_in_parts_go_on_in_either_schema(person: Person, codes: tuple[str, str]) -> None:
    for code in codes:
        await sample(person, code, "1", "2", "3")
        for title in "123":
            await meeting(person, f"{code} {title}", code)
    for field, column in (("marks", "note"), ("meetings", "title")):
        query = f"{{ textSamples {{ nodes {{ code {field} {{ nodes @stream(initialCount: 1) {{ {column} }} }} }} }} }}"
        whole = await person.ask(query)
        found = await parts(person, query)
        assert [len(each[field]["nodes"]) for each in found[0]["data"]["textSamples"]["nodes"]] == [1, 1]
        assert put_together(found) == whole
        assert [len(each[field]["nodes"]) for each in whole["textSamples"]["nodes"]] == [3, 3]
