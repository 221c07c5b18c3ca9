"""Pieces of a text, in whatever order and however often they come, are told once, in order, and end with the row."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gql.scope import Scope, Streamed
from gql.table import Column, Kind, Table
from resolvers.declared.streamed_text import LONGEST_GAP_SECONDS, MOST_HELD, MOST_READS, StreamedText
from tripgate.upstream.realtime.frames import Change, Operation, Piece, resync

SCOPE = Scope("club", "Club", "The club.")
SPEECHES = Table(
    type_name="Speech",
    name="speeches",
    singular="speech",
    plural="speeches",
    columns={
        name: Column(name, name, kind, nullable=False)
        for name, kind in (("id", Kind.UUID), ("club", Kind.UUID), ("words", Kind.TEXT), ("state", Kind.TEXT))
    },
    relations={},
    default_order=(),
    scope=SCOPE,
    scope_via="club",
    streamed=Streamed("words", state="state", open="spoken", row="speech_id"),
)
AT = "2026-11-30T12:00:00+00:00"


def piece(offset: int, text: str, key: str = "1") -> Change:
    return Change("speeches", Operation.UPDATE, key, None, AT, piece=Piece(offset, text))


def row(
    words: str, state: str = "spoken", operation: Operation = Operation.UPDATE, key: str = "1", **more: Any
) -> Change:
    return Change("speeches", operation, key, {"id": key, "words": words, "state": state, **more}, AT)


def texts(*, with_rows: bool = True) -> StreamedText:
    return StreamedText(SPEECHES, with_rows=with_rows)


def said(changes: list[Change]) -> list[Any]:
    """What is told: a piece as its offset and text, a row as its operation, words and state, else the operation."""
    return [
        (each.piece.offset, each.piece.text)
        if each.piece is not None
        else (each.operation.value, each.record["words"], each.record["state"])
        if each.record is not None
        else each.operation.value
        for each in changes
    ]


class Told:
    """All that is told of these changes, one a second."""

    def __init__(self, *, with_rows: bool = True) -> None:
        self.texts = texts(with_rows=with_rows)
        self.at = 0.0

    def __call__(self, *changes: Change) -> list[Any]:
        found = []
        for change in changes:
            found += self.texts.take(change, self.at)
        return said(found)


def test_a_text_from_its_beginning_to_its_end() -> None:
    told = Told()
    assert told(row("", operation=Operation.INSERT)) == [("INSERT", "", "spoken")]
    assert told(piece(0, "Good "), piece(5, "evening")) == [(0, "Good "), (5, "evening")]
    # What the row holds meanwhile has been told.
    assert told(row("Good eve")) == []
    assert told(piece(12, ".")) == [(12, ".")]
    assert told(row("Good evening. Welcome!", "said")) == [
        (13, " Welcome!"),
        ("UPDATE", "Good evening. Welcome!", "said"),
    ]
    assert told(piece(13, " Welcome!"), row("Good evening. Wel")) == []


def test_pieces_that_come_early_wait_and_those_that_come_again_are_dropped() -> None:
    told = Told()
    told(row("", operation=Operation.INSERT))
    assert told(piece(4, "cd"), piece(2, "b")) == []
    assert told(piece(0, "aaa")) == [(0, "aaa")]
    assert told(piece(0, "aaa"), piece(3, "b")) == [(3, "bcd")]
    # One that lies over what was told gives what is new of it.
    assert told(piece(4, "cdef"), piece(4, "cdef")) == [(6, "ef")]
    assert told(piece(8, "")) == []


def test_offsets_are_code_points() -> None:
    told = Told()
    assert told(row("Ä👩‍👩‍👧", operation=Operation.INSERT)) == [("INSERT", "Ä👩‍👩‍👧", "spoken")]
    assert told(piece(5, "👧🇨🇭"), piece(8, "!")) == [(6, "🇨🇭"), (8, "!")]


def test_what_is_missing_is_read_after_a_while_and_less_and_less_often() -> None:
    told = Told()
    told(row("", operation=Operation.INSERT))
    told(piece(0, "a"))
    assert told.texts.due is None
    told(piece(2, "c"))
    due = told.texts.due
    assert due is not None
    assert told.texts.to_read(due - 0.01) == []
    waits = []
    for _ in range(8):
        due = told.texts.due
        assert due is not None
        assert told.texts.to_read(due) == ["1"]
        waits.append(told.texts.due - due)  # type: ignore[operator]
        # The row does not have it yet either.
        assert told(row("a")) == []
    assert [round(wait, 3) for wait in waits] == [0.6, 1.2, 2.4, 4.8, *[LONGEST_GAP_SECONDS] * 4]
    assert told(row("ab")) == [(1, "bc")]
    assert told.texts.due is None


def test_a_piece_of_a_row_that_is_not_known_waits_for_the_row() -> None:
    told = Told()
    assert told(piece(3, "d"), piece(4, "e")) == []
    due = told.texts.due
    assert due is not None
    assert told.texts.to_read(due) == ["1"]
    # The row comes first, and then what lies beyond it.
    assert told(row("abcd")) == [("UPDATE", "abcd", "spoken"), (4, "e")]
    assert told.texts.due is None
    assert told(row("", operation=Operation.INSERT)) == []


def test_pieces_of_no_row_are_dropped_in_the_end() -> None:
    told = Told()
    told(piece(0, "a"))
    for _ in range(MOST_READS):
        due = told.texts.due
        assert due is not None
        assert told.texts.to_read(due) == ["1"]
        told.texts.not_found("1")
    assert told.texts.due is None


def test_what_waits_has_a_bound_and_is_read_with_the_row_beyond_it() -> None:
    told = Told()
    told(row("", operation=Operation.INSERT))
    told(*(piece(offset, "x" * 1000) for offset in range(1, MOST_HELD + 2000, 1000)))
    assert sum(len(each) for each in told.texts._open["1"].early.values()) <= MOST_HELD
    assert told.texts.due is not None
    words = "y" * (MOST_HELD + 9000)
    assert told(row(words))[0] == (0, words)


def test_after_a_resync_each_row_comes_first_again() -> None:
    told = Told()
    told(row("", operation=Operation.INSERT), piece(0, "abc"))
    assert told(resync()) == ["RESYNC"]
    told.texts.forget()
    assert told(row("abcd"), piece(4, "e")) == [("UPDATE", "abcd", "spoken"), (4, "e")]


def test_a_deleted_row_is_told_so_and_may_come_again() -> None:
    told = Told()
    told(row("", operation=Operation.INSERT), piece(1, "b"))
    assert told(Change("speeches", Operation.DELETE, "1", None, AT)) == ["DELETE"]
    assert told.texts.due is None
    assert told(row("b", operation=Operation.INSERT)) == [("INSERT", "b", "spoken")]


def test_a_finished_row_is_told_again_where_it_has_changed_since() -> None:
    told = Told()
    assert told(row("all", "said", Operation.INSERT)) == [("INSERT", "all", "said")]
    assert told(row("all", "said"), row("al")) == []
    assert told(row("all", "praised")) == [("UPDATE", "all", "praised")]
    stamped = Told()
    early, late = "2026-11-30T12:00:00+00:00", "2026-11-30T13:00:00+01:00"
    stamped(row("all", "said", updated_at=early))
    assert stamped(row("al", updated_at="2026-11-30T11:59:59.9+00:00")) == []
    assert stamped(row("all", "said", updated_at=late)) == []
    assert stamped(row("all", "praised", updated_at="2026-11-30T12:00:00.1+00:00")) == [("UPDATE", "all", "praised")]


def test_who_is_told_no_texts_of_rows_is_told_them_as_pieces() -> None:
    told = Told(with_rows=False)
    (first,) = told.texts.take(row("abc"), 0)
    assert (first.piece, first.record is None) == (Piece(0, "abc"), False)
    assert told(piece(1, "bcd")) == [(3, "d")]


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, list[Change]]:
    """A text, and its pieces and rows as they may arrive: late, early, again, or never."""
    text = draw(st.text(min_size=1, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(1, len(text)), max_size=8)) | {0, len(text)})
    pieces = [piece(begin, text[begin:end]) for begin, end in itertools.pairwise(cuts)]
    heard = draw(st.lists(st.sampled_from(pieces), max_size=20))
    rows = [row(text[:length]) for length in draw(st.lists(st.integers(0, len(text)), max_size=4))]
    return text, draw(st.permutations([*heard, *rows]))


@settings(max_examples=200)
@given(streams(), st.booleans())
def test_any_order_any_loss_any_repetition(stream: tuple[str, list[Change]], with_rows: bool) -> None:
    text, changes = stream
    told = Told(with_rows=with_rows)
    heard: list[Change] = []
    for change in [*changes, row(text, "said"), *changes]:
        heard += told.texts.take(change, 0)
    written = ""
    for each in heard:
        if each.piece is not None:
            assert each.piece.text
            assert each.piece.offset == len(written)
            written += each.piece.text
        elif not written and with_rows and each.record is not None:
            written = each.record["words"]
    assert written == text
    assert heard[-1].record == {"id": "1", "words": text, "state": "said"}


@pytest.mark.parametrize("operation", [Operation.INSERT, Operation.UPDATE])
def test_a_change_without_its_row_is_told_as_it_is(operation: Operation) -> None:
    assert Told()(Change("speeches", operation, "1", None, AT)) == [operation.value]
