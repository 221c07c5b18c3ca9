"""What is kept of documents has an end that nobody who asks can move."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import DocumentNode
from hypothesis import given
from hypothesis import strategies as st

from tests.support import Person, serving
from tripgate.gateway import documents as parsing
from tripgate.gateway import executor
from tripgate.gateway.document_cache import IntrospectionCache, VariableSets
from tripgate.gateway.documents import Documents
from tripgate.gateway.errors import formatted
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.operation import RequestError
from tripgate.gateway.schema import graphql_schema
from tripgate.local.stack import StackInfo
from tripgate.upstream.caller import Caller

SOMEBODY = Caller("ada", "a token")
TRIPS = "{ trips { nodes { title } } }"


def documents(size: int) -> Documents:
    return Documents(graphql_schema(), size=size, limits=Limits(), hide_suggestions=True, introspection=False)


def refusal(known: Documents, query: str) -> list[dict[str, Any]]:
    """The errors that a client is told."""
    with pytest.raises(RequestError) as caught:
        known.operation(query, None)
    return formatted(caught.value.errors, caught.value.code)


def test_a_flood_of_refused_documents_pushes_no_good_one_out() -> None:
    known = documents(2)
    good = known.operation(TRIPS, None)
    for number in range(110):
        refusal(known, f"{{ nothing{number} }}")
    assert known.operation(TRIPS, None) is good


REFUSED = {
    "does not parse": "{ trips { nodes { title }",
    "has too many tokens": f"{{ {'a ' * 2100} }}",
    "is too long": "#" * 70_000,
    "is too deep": "{ a" * 600,
    "has too many aliases": f"{{ trips {{ nodes {{ {' '.join(f'a{each}: title' for each in range(31))} }} }} }}",
    "does not validate": "{ nothing\n  trips { nodes { nothing } } }",
    "has a literal that does not fit": '{ trip(id: "x") { id } }',
    "asks for the schema": "{ __schema { queryType { name } } }",
    "has no operation": "fragment F on Trip { id }",
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_a_refused_document_is_refused_in_the_same_words_without_being_read_again(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = documents(10)
    first = refusal(known, query)
    monkeypatch.setattr(parsing, "bounded_parse", lambda *_: pytest.fail("it is read again"))
    assert refusal(known, query) == first


def test_of_a_refused_document_only_the_text_is_cached() -> None:
    known = documents(1000)
    for query in REFUSED.values():
        refusal(known, query)
    gc.collect()
    before = sum(isinstance(each, DocumentNode) for each in gc.get_objects())
    for number in range(5):
        for query in REFUSED.values():
            refusal(known, f"{query} # {number}")
    gc.collect()
    assert sum(isinstance(each, DocumentNode) for each in gc.get_objects()) == before


def test_a_hundred_refused_documents_are_cached_and_fewer_of_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    known = documents(1000)
    short = [f"{{ a{number} }}" for number in range(120)]
    long = [f"{{ a{number} }}{',' * 50_000}" for number in range(30)]
    read: list[str] = []
    reads = parsing.bounded_parse
    monkeypatch.setattr(parsing, "bounded_parse", lambda text, limits: (read.append(text), reads(text, limits))[1])

    def cached(queries: list[str]) -> int:
        for query in queries:
            refusal(known, query)
        read.clear()
        for query in reversed(queries):
            refusal(known, query)
            if read:
                break
        return queries[::-1].index(read[0])

    assert cached(short) == 100
    assert 5 <= cached(long) <= 20


def test_large_documents_count_as_several() -> None:
    known = documents(20)
    titles = '"x" ' * 1000
    large = [
        f"query L{number} {{ trips(filter: {{ title: {{ in: [{titles}] }} }}) {{ totalCount }} }}" for number in (1, 2)
    ]
    first, second = (known.operation(query, None) for query in large[:2])
    assert known.operation(large[1], None) is second
    assert known.operation(large[0], None) is not first, "each counts as eleven"
    small = [known.operation(f"query S{number} {{ viewer {{ id }} }}", None) for number in range(20)]
    assert [known.operation(f"query S{number} {{ viewer {{ id }} }}", None) for number in range(20)] == small


def test_a_document_larger_than_the_cache_is_answered_all_the_same() -> None:
    query = "{ trips(filter: { title: { in: [" + '"x" ' * 900 + "] } }) { totalCount } }"
    assert documents(1).operation(query, None).name is None


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40))))
def test_sets_of_variables_of_all_operations_have_one_end(keeps: list[tuple[int, bytes]]) -> None:
    operations: list[dict[bytes, int]] = [{} for _ in range(4)]
    sets = VariableSets(1000)
    for number, (which, text) in enumerate(keeps):
        if text not in operations[which]:
            sets.put(operations[which], text, number)
        assert text in operations[which]
        assert sum(256 + len(each) for known in operations for each in known) <= 1000


def test_one_operation_under_ever_new_variables() -> None:
    one = documents(10).operation("query ($n: Int) { trips(first: $n) { nodes { id } } }", None)
    first = one.prepare({"n": 1}, SOMEBODY)
    assert one.prepare({"n": 1}, SOMEBODY) is first
    for number in range(2, 100):
        one.prepare({"n": number}, SOMEBODY)
    assert one.prepare({"n": 1}, SOMEBODY) is not first


@pytest.fixture(scope="module")
async def curious(seeded: StackInfo, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway that tells its schema."""
    async with serving(seeded, introspection=True) as url:
        yield Person(ada.http, url, ada.token)


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The variables of each run of graphql-core's executor."""
    found: list[Any] = []
    execute = executor.experimental_execute_incrementally

    def counted(*args: Any, **kwargs: Any) -> Any:
        found.append(kwargs["this_run"].variables.coerced)
        return execute(*args, **kwargs)

    monkeypatch.setattr(executor, "experimental_execute_incrementally", counted)
    return found


async def test_introspection_is_answered_from_the_cache(curious: Person, executed: list[Any]) -> None:
    query = "query Types { __typename __schema { types { name fields { name type { name } } } } }"
    first = await curious.ask(query)
    assert len(first["__schema"]["types"]) > 100
    assert await curious.ask(query) == first
    assert len(executed) == 1


async def test_each_operation_of_the_schema_under_each_set_of_variables_has_its_own(
    curious: Person, executed: list[Any]
) -> None:
    query = "query A($name: String!) { __type(name: $name) { name kind } }"
    for _ in range(2):
        assert await curious.ask(query, name="Trip") == {"__type": {"name": "Trip", "kind": "OBJECT"}}
        assert await curious.ask(query, name="TripFilter") == {"__type": {"name": "TripFilter", "kind": "INPUT_OBJECT"}}
    assert executed == [{"name": "Trip"}, {"name": "TripFilter"}]


async def test_what_holds_rows_is_asked_anew(curious: Person, executed: list[Any]) -> None:
    query = '{ __type(name: "Trip") { name } viewer { displayName } }'
    assert await curious.ask(query) == await curious.ask(query)
    assert len(executed) == 2


def test_eight_answers_to_introspection_are_cached() -> None:
    answers = IntrospectionCache[int]()
    for number in range(20):
        answers["", None, b"%d" % number] = number
    assert sorted(answers.values()) == list(range(12, 20))
