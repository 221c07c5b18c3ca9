"""Answers a query in parts: what is not put off at once, and each part when it has been read.

A part that is root fields is read from the start; one of rows once it is known which, by their keys, all rows together.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.errors import not_representable
from tripgate.gateway.incremental.payloads import Path, Payload, Pending, Piece
from tripgate.planner.deferral import ROW_KEY, Keys, Part, Split
from tripgate.planner.selection import Selected

Errors = list[dict[str, Any]]


class Reader(Protocol):
    """What reads the parts of one answer."""

    async def fields(self, roots: tuple[Selected, ...]) -> dict[str, Any]:
        """The answer of these root fields."""

    async def rows(self, part: Part, node_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """The rows that are read for a part, each by its identifier; those that have gone are not among them."""

    def failed(self, error: Exception, part: Part) -> dict[str, Any]:
        """An error as it is shown, but for its path, which differs."""

    def unreadable(self, data: dict[str, Any]) -> list[Path]:
        """Take out what cannot be answered of a part; where that was."""


@dataclass(frozen=True, slots=True)
class _Object:
    """An object that a part belongs to.

    Attributes:
        node_id: The identifier of the row that is read for it.
    """

    path: Path
    node_id: str | None
    pending: list[Pending]


@dataclass(frozen=True, slots=True)
class _Work:
    """A part while it is read, and what it is read for."""

    part: Part
    objects: list[_Object]


class Delivery:
    """One answer in parts.

    Args:
        context: In which everything is read.
    """

    def __init__(self, reader: Reader, split: Split, context: Context) -> None:
        self._reader = reader
        self._split = split
        self._context = context
        self._tasks: dict[asyncio.Task[Any], _Work | None] = {}
        self._pending: dict[tuple[int, str], Pending] = {}
        self._ids = count()

    async def payloads(self) -> AsyncGenerator[Payload, None]:
        """The first payload, which may be the last, and those after it. Whoever ends it early ends all reads."""
        try:
            first = self._task(self._reader.fields(self._split.first))
            early = {id(part): self._roots(part) for part in self._split.parts if part.row is None}
            await asyncio.wait([first])
            answer: dict[str, Any] = first.result()
            found = answer.get("data")
            announced = self._begin(self._split.parts, (), [], found, {}, early)
            for task in early.values():  # of a field that is null
                task.cancel()
            _without_keys(found)
            yield Payload(answer, announced, [], [], last=not self._running)
            while self._running:
                done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                yield self._read(done)
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _running(self) -> list[asyncio.Task[Any]]:
        return [task for task, work in self._tasks.items() if work is not None]

    def _task(self, coroutine: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine, context=self._context)
        self._tasks[task] = None
        return task

    def _roots(self, part: Part) -> asyncio.Task[Any]:
        return self._task(self._reader.fields(part.selected))

    def _begin(
        self,
        parts: Sequence[Part],
        place: Keys,
        path: Path,
        data: Any,
        rows: Mapping[Keys, str],
        early: dict[int, asyncio.Task[Any]],
    ) -> list[Pending]:
        """Begin to read what was put off inside of data; what is announced of it.

        Args:
            rows: The identifiers of the rows above.
            early: What is read already.
        """
        announced: dict[str, Pending] = {}
        for part in parts:
            objects = []
            for at, node_id in _objects(part, place, path, data, rows.get(part.row) if part.row is not None else None):
                pending = self._announce(part, at)
                announced |= {each.id: each for each in pending}
                objects.append(_Object(at, node_id, pending))
            if not objects:
                continue
            if part.row is None:
                task = early.pop(id(part), None) or self._roots(part)
            else:
                keys = list(dict.fromkeys(each.node_id for each in objects if each.node_id is not None))
                task = self._task(self._reader.rows(part, keys))
            self._tasks[task] = _Work(part, objects)
        return list(announced.values())

    def _announce(self, part: Part, path: Path) -> list[Pending]:
        found = []
        for fragment in part.fragments:
            upper = _upper(path, len(fragment.place))
            key = (id(fragment), repr(upper))
            pending = self._pending.get(key)
            if pending is None:
                pending = self._pending[key] = Pending(str(next(self._ids)), upper, fragment.label)
            pending.pieces += 1
            found.append(pending)
        return found

    def _read(self, done: set[asyncio.Task[Any]]) -> Payload:
        """What has been read, and what comes of it."""
        pieces: list[Piece] = []
        announced: list[Pending] = []
        for task in [each for each in self._tasks if each in done]:
            work = self._tasks.pop(task)
            assert work is not None  # noqa: S101 - only such are waited for
            for piece, inside in self._pieces(task, work):
                pieces.append(piece)
                announced += inside
        completed = []
        for piece, pending in [(each, pending) for each in pieces for pending in each.pending]:
            pending.pieces -= 1
            if piece.data is None:
                pending.errors += piece.errors
            if not pending.pieces:
                completed.append(pending)
        ended = {each.id for each in completed}
        self._pending = {key: each for key, each in self._pending.items() if each.id not in ended}
        return Payload(None, announced, pieces, completed, last=not self._running)

    def _pieces(self, task: asyncio.Task[Any], work: _Work) -> Iterator[tuple[Piece, list[Pending]]]:
        part = work.part
        failure = task.exception()
        if failure is not None:
            if not isinstance(failure, Exception):
                raise failure
            shown = self._reader.failed(failure, part)
            yield from ((_failed(each, [{**shown, "path": each.path}]), []) for each in work.objects)
            return
        found: list[tuple[_Object, Any, Errors]] = []
        if part.row is None:
            (only,) = work.objects
            answer = task.result()
            found.append((only, _below(answer["data"], part.place), answer.get("errors", [])))
        else:
            below = part.place[len(part.row) :]
            gone = self._reader.failed(_gone(), part)
            for each in work.objects:
                row = task.result().get(each.node_id)
                found.append((each, _below(row, below), [{**gone, "path": each.path}] if row is None else []))
        # One row may stand in several places, so all are looked through before any is as it is sent.
        inside = [self._inside(part, each, data) for each, data, _ in found]
        unreadable: dict[int, list[Path]] = {}
        for (each, data, errors), announced in zip(found, inside, strict=True):
            if data is None:
                yield _failed(each, errors), []
                continue
            if id(data) not in unreadable:
                _without_keys(data)
                unreadable[id(data)] = self._reader.unreadable(data)
            more = [not_representable((*each.path, *path)) for path in unreadable[id(data)]]
            yield Piece(each.pending, each.path, data, [*errors, *more]), announced

    def _inside(self, part: Part, of: _Object, data: dict[str, Any] | None) -> list[Pending]:
        if data is None:
            return []
        rows = {} if part.row is None or of.node_id is None else {part.row: of.node_id}
        return self._begin(part.parts, part.place, of.path, data, rows, {})


def _failed(of: _Object, errors: Errors) -> Piece:
    return Piece(of.pending, of.path, None, errors)


def _below(data: Any, keys: Keys) -> Any:
    for key in keys:
        data = None if data is None else data[key]
    return data


def _gone() -> ApiError:
    return ApiError(ErrorCode.NOT_FOUND, "The row has gone since the first part of the answer was read.")


def _objects(part: Part, place: Keys, path: Path, data: Any, node_id: str | None) -> Iterator[tuple[Path, str | None]]:
    """Where in data the objects are that a part belongs to, each with the identifier of its row."""
    if type(data) is list:
        for index, each in enumerate(data):
            yield from _objects(part, place, [*path, index], each, node_id)
        return
    if data is None:
        return
    if place == part.row:
        node_id = data.get(ROW_KEY, node_id)
    if place == part.place:
        yield path, node_id
        return
    key = part.place[len(place)]
    yield from _objects(part, (*place, key), [*path, key], data[key], node_id)


def _upper(path: Path, steps: int) -> Path:
    """The beginning of a path: so many keys, and the index behind the last of them."""
    taken = 0
    for length, step in enumerate(path):
        if isinstance(step, str):
            if taken == steps:
                return path[:length]
            taken += 1
    return path


def _without_keys(value: Any) -> None:
    """Take out what only told the rows apart."""
    if type(value) is list:
        for each in value:
            _without_keys(each)
    elif type(value) is dict:
        value.pop(ROW_KEY, None)
        for each in value.values():
            _without_keys(each)
