"""Counting a document: as large as it would be with every fragment written out, in steps as many as it is long."""

import dataclasses
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given, settings

from gql.errors import ApiError
from tests.limits.documents import counted, documents
from tests.support import examples
from tripgate.gateway.limits.bounded_parse import bounded_parse
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.document import check_document
from tripgate.gateway.limits.measure import Size, measure, root_keys


def size(text: str) -> Size:
    """What the only operation of a document amounts to."""
    ((_, found),) = measure(parse(text)).operations
    return found


def refusal(text: str, **limits: int) -> dict[str, Any]:
    """The extensions of the error by which a document is refused; empty where it passes."""
    bounds = dataclasses.replace(Limits(), **limits)
    try:
        check_document(bounded_parse(text, bounds), bounds)
    except ApiError as error:
        return error.extensions
    return {}


@settings(max_examples=examples(40), deadline=None)
@given(documents())
def test_the_count_is_that_of_the_document_written_out(text: str) -> None:
    document = parse(text)
    measured = measure(document)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert [node for node, _ in measured.operations] == operations
    for node, found in measured.operations:
        expected = dataclasses.asdict(counted(document, node))
        assert {name: getattr(found, name) for name in expected} == expected


@settings(max_examples=examples(20), deadline=None)
@given(documents())
def test_each_limit_is_exact(text: str) -> None:
    document = parse(text)
    sizes = [counted(document, node) for node, _ in measure(document).operations]
    found = {
        "selections": sum(each.selections for each in sizes),
        "introspection_selections": sum(each.inner_selections for each in sizes),
        "depth": max(each.depth for each in sizes),
        "aliases": max(each.aliases for each in sizes),
        "directives": max(each.directives for each in sizes),
        "introspection_depth": max(each.inner_depth for each in sizes),
        "introspection_lists": max(each.inner_lists for each in sizes),
    }
    enough = {**found, "root_fields": 100}
    assert refusal(text, **enough) == {}
    for name, number in found.items():
        if number:
            refused = refusal(text, **{**enough, name: number - 1})
            assert (refused["limit"], refused["found"]) == (number - 1, number), name


@pytest.mark.parametrize(
    ("make", "number", "limit", "code"),
    [
        (lambda n: "{ a" * n + " }" * n, 12, "depth", "QUERY_TOO_DEEP"),
        (lambda n: f"{{ {' '.join(f'f{i}' for i in range(n))} }}", 20, "root_fields", "TOO_MANY_ROOT_FIELDS"),
        (lambda n: f"{{ a {{ {' '.join(f'f{i}: f' for i in range(n))} }} }}", 30, "aliases", "TOO_MANY_ALIASES"),
        (lambda n: f"{{ a {' '.join(['@skip'] * n)} }}", 50, "directives", "TOO_MANY_DIRECTIVES"),
        (lambda n: f"{{ a {{ {' f' * (n - 1)} }} }}", 1000, "selections", "TOO_MANY_SELECTIONS"),
        (lambda n: "{ __type" + " { a" * (n - 1) + " }" * n, 20, "introspection_depth", "INTROSPECTION_TOO_LARGE"),
        (
            lambda n: "{ __schema" + " { fields" * n + " }" * (n + 1),
            3,
            "introspection_lists",
            "INTROSPECTION_TOO_LARGE",
        ),
        (lambda n: f"{{ __schema {{ {' f' * n} }} }}", 400, "introspection_selections", "INTROSPECTION_TOO_LARGE"),
        (lambda n: f"{{ a(b: {'[' * n}{']' * n}) }}", 32, "input_depth", "INPUT_TOO_LARGE"),
        (lambda n: f"{{ a(b: {'{ c: ' * n}1{' }' * n}) }}", 32, "input_depth", "INPUT_TOO_LARGE"),
        (lambda n: f"query ($v: [Int] = {'[' * n}{']' * n}) {{ a }}", 32, "input_depth", "INPUT_TOO_LARGE"),
        (lambda n: f"{{ a @b(c: {'[' * n}{']' * n}) }}", 32, "input_depth", "INPUT_TOO_LARGE"),
    ],
)
def test_the_defaults(make: Callable[[int], str], number: int, limit: str, code: str) -> None:
    assert getattr(Limits(), limit) == number
    assert refusal(make(number)) == {}
    assert refusal(make(number + 1)) == {"code": code, "limit": number, "found": number + 1}


def test_the_longest_list_of_a_literal() -> None:
    assert refusal(f"{{ a(b: [{'1 ' * 50}]) }}", input_list=50) == {}
    refused = refusal(f"{{ a(b: [{'1 ' * 51}]) }}", input_list=50)
    assert refused == {"code": "INPUT_TOO_LARGE", "limit": 50, "found": 51}


def test_without_literals_there_is_nothing_to_go_into() -> None:
    measured = measure(parse("query ($v: Int) { a(b: $v) c(d: 1) }"))
    assert (measured.input_depth, measured.input_list) == (0, 0)


def test_how_often_a_variable_is_used() -> None:
    text = "query ($v: Int, $w: Int) { a(b: $v) c(d: [$v, $w]) ...F } fragment F on T { e(f: $v) }"
    assert size(text).uses == {"v": 3, "w": 1}


def test_tokens_and_characters() -> None:
    assert refusal(f"{{ a {{ {'b ' * 95} }} }}", tokens=100) == {}
    for longer in (f"{{ a {{ {'b ' * 96} }} }}", "#\n" * 98 + "{ a }", "{ a }" + "#\n" * 98, "{ a }" + "#\n" * 3000):
        assert refusal(longer, tokens=100) == {"code": "QUERY_TOO_LARGE", "limit": 100}
    assert refusal("{ a }".ljust(200), length=200) == {}
    assert refusal("{ a }".ljust(201), length=200) == {"code": "QUERY_TOO_LARGE", "limit": 200, "found": 201}


@pytest.mark.parametrize(
    "text",
    [
        "{ a" * 300 + " }" * 300,
        f"{{ a(b: {'[' * 600}{']' * 600}) }}",
        f"{{ a(b: {'{ c: ' * 300}1{' }' * 300}) }}",
        f"query ($v: {'[' * 600}Int{']' * 600}) {{ a }}",
        "{ ..." * 300 + "{ a }" + " }" * 300,
    ],
)
def test_what_the_parser_itself_cannot_follow_down(text: str) -> None:
    assert refusal(text) == {"code": "QUERY_TOO_DEEP", "limit": 12}


def test_depth_is_of_fields_alone() -> None:
    assert size("{ a { ... { ... on T { ...F } } } } fragment F on T { b { c } }").depth == 3


def test_root_fields_are_counted_merged() -> None:
    text = "{ trips { id } trips { title } ...F ... { b: viewer { id } viewer } } fragment F on Query { trips ...F }"
    document = parse(text)
    ((node, _),) = measure(document).operations
    assert root_keys(node, measure(document).fragments) == {"trips", "b", "viewer"}


def test_what_is_not_there_counts_for_nothing() -> None:
    assert size("{ a ...Nowhere }") == Size(depth=1, selections=2)


@pytest.mark.parametrize(
    "fragments",
    [
        "fragment F on T { b ...F }",
        "fragment F on T { b { c ...G } } fragment G on T { ...F d }",
        "fragment F on T { ...G ...G } fragment G on T { ...H ...H } fragment H on T { ...F ...G b }",
    ],
)
def test_fragments_that_contain_themselves_end_all_the_same(fragments: str) -> None:
    found = size(f"{{ a {{ ...F }} }} {fragments}")
    assert found.depth >= 2
    assert refusal(f"{{ a {{ ...F }} }} {fragments}") == {}  # validation refuses them


def chain(links: int, spread: str = "{{ ...F{0} ...F{0} }}") -> str:
    """Fragments that each contain the next twice."""
    parts = [f"fragment F{number} on Profile {spread.format(number + 1)}" for number in range(links)]
    return " ".join(["{ viewer { ...F0 } }", *parts, f"fragment F{links} on Profile {{ id }}"])


def test_eighteen_fragments_that_double() -> None:
    text = chain(18)
    assert refusal(text) == {"code": "TOO_MANY_SELECTIONS", "limit": 1000, "found": 3 * 2**18}
    # What it stands for has 786,432 selections; most of this is the parser's.
    assert instructions(lambda: refusal(text)) < 200_000


def test_numbers_beyond_what_json_carries() -> None:
    assert refusal(chain(180))["found"] == 1_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        chain(180),
        chain(60, "{{ a: trips {{ nodes {{ owner {{ ...F{0} }} }} }} b: viewer {{ ...F{0} }} }}"),
        "{ viewer { ...F0 } }"
        + " ".join(
            f"fragment F{number} on T {{ id {' '.join(f'...F{other}' for other in range(number + 1, 40))} }}"
            for number in range(40)
        ),
        " ".join(f"query Q{number} {{ ...F }}" for number in range(150)) + f"fragment F on Query {{ {' a' * 900} }}",
        " ".join(f"query Q{number} {{ ...F }}" for number in range(150))
        + f"fragment F on Query {{ {' '.join(f'a{i}: b' for i in range(250))} }}",
        f"{{ {' a' * 1990} }}",
        f"{{ a {'@b ' * 990} }}",
    ],
)
def test_documents_made_to_be_slow_are_refused_with_little_work(text: str) -> None:
    limits = Limits()
    document = bounded_parse(text, limits)

    def check() -> None:
        with pytest.raises(ApiError):
            check_document(document, limits)

    # Of what can be written in two thousand tokens nothing takes more.
    assert instructions(check) < 250_000


def test_twice_the_fragments_take_twice_the_steps() -> None:
    assert steps(chain(80)) < 2.2 * steps(chain(40))
    assert steps(chain(80)) < 80 * 30


def instructions(run: Callable[[], object]) -> int:
    """How many bytecode instructions it takes: the same on every machine, however busy."""
    count = 0

    def entered(frame: FrameType, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return stepped

    def stepped(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return stepped

    sys.settrace(entered)
    try:
        run()
    finally:
        sys.settrace(None)
    return count


def steps(text: str) -> int:
    """How many functions are called to measure a document."""
    document = parse(text)
    calls = 0

    def called(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(called)
    try:
        measure(document)
    finally:
        sys.setprofile(None)
    return calls
