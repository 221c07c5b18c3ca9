"""Answers a query in parts: what is not put off at once, and each part when it has been read.

A part that is root fields is read from the start; one of rows once it is known which, by their keys, all rows together;
the rest of a list once its first rows are there, behind the last of them.
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
from tripgate.planner.deferral import ROW_KEY, Keys, Part, Split, StreamPart
from tripgate.planner.selection import Selected
from tripgate.planner.streaming import END_KEY, MORE_KEY, PAGE_KEY

Errors = list[dict[str, Any]]


class Reader(Protocol):
    """What reads the parts of one answer."""

    async def fields(self, roots: tuple[Selected, ...]) -> dict[str, Any]:
        """The answer of these root fields."""

    def rest(self, part: StreamPart) -> int:
        """How many rows may follow the first ones of a list; 0 where these are all."""

    async def behind(self, part: StreamPart, cursor: str | None) -> dict[str, Any]:
        """The answer of the root field with the rest of its list, behind the cursor of its last row."""

    async def behind_rows(self, part: StreamPart, cursors: Mapping[str, str | None]) -> Mapping[str, dict[str, Any]]:
        """The rows that have the rest of a list each, by their identifiers.

        Args:
            cursors: Those of the last rows that are known, by the identifiers of the rows that have the lists.
        """

    async def rows(self, part: Part, node_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """The rows that are read for a part, each by its identifier; those that have gone are not among them."""

    def failed(self, error: Exception, part: Part) -> dict[str, Any]:
        """An error as it is shown, but for its path, which differs."""

    def unreadable(self, data: Any, begin: int) -> list[Path]:
        """Take out what cannot be answered of a part; where that was.

        Args:
            begin: Where data, which is a list then, stands in a longer one.
        """


@dataclass(frozen=True, slots=True)
class _Object:
    """An object that a part belongs to.

    Attributes:
        node_id: The identifier of the row that is read for it.
        cursor: Of the last row of its list that has been read.
    """

    path: Path
    node_id: str | None
    pending: list[Pending]
    cursor: str | None = None


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
            early = {id(part): self._roots(part) for part in self._split.parts if self._is_early(part)}
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

    def _is_early(self, part: Part) -> bool:
        """Whether it can be read from the start."""
        if isinstance(part, StreamPart):
            return part.row is None and not part.streamed.first and bool(self._reader.rest(part))
        return part.row is None

    def _roots(self, part: Part) -> asyncio.Task[Any]:
        if isinstance(part, StreamPart):
            return self._task(self._reader.behind(part, None))
        return self._task(self._reader.fields(part.selected))

    def _begin(
        self,
        parts: Sequence[Part],
        place: Keys,
        path: Path,
        data: Any,
        rows: Mapping[Keys, str],
        early: dict[int, asyncio.Task[Any]],
        begin: int = 0,
    ) -> list[Pending]:
        """Begin to read what was put off inside of data; what is announced of it.

        Args:
            rows: The identifiers of the rows above.
            early: What is read already.
            begin: Where data, which is a list then, stands in a longer one.
        """
        announced: dict[str, Pending] = {}
        for part in parts:
            row = rows.get(part.row) if part.row is not None else None
            objects = []
            for at, node_id, there in _objects(part, place, path, data, row, begin):
                made = self._object(part, at, node_id, there)
                if made is not None:
                    announced |= {each.id: each for each in made.pending}
                    objects.append(made)
            if objects:
                task = early.pop(id(part), None) or self._reading(part, objects)
                self._tasks[task] = _Work(part, objects)
        return list(announced.values())

    def _object(self, part: Part, path: Path, node_id: str | None, there: dict[str, Any]) -> _Object | None:
        """What is read for an object; `None` for a list that has been read to its end."""
        if not isinstance(part, StreamPart):
            return _Object(path, node_id, self._announce(part, path))
        cursor = None
        if not self._reader.rest(part):
            return None
        if part.streamed.first:
            end = there[PAGE_KEY]
            if not end[MORE_KEY]:
                return None
            cursor = end[END_KEY]
        path = [*path, part.key]
        return _Object(path, node_id, self._announce(part, path), cursor)

    def _reading(self, part: Part, objects: list[_Object]) -> asyncio.Task[Any]:
        if part.row is None:
            if isinstance(part, StreamPart):
                return self._task(self._reader.behind(part, objects[0].cursor))
            return self._roots(part)
        cursors = {each.node_id: each.cursor for each in objects if each.node_id is not None}
        if isinstance(part, StreamPart):
            return self._task(self._reader.behind_rows(part, cursors))
        return self._task(self._reader.rows(part, list(cursors)))

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
            yield from ((_failed(part, each, [{**shown, "path": each.path}]), []) for each in work.objects)
            return
        found = list(self._found(part, task.result(), work.objects))
        # One row may stand in several places, so all are looked through before any is as it is sent.
        inside = [self._inside(part, each, data) for each, data, _ in found]
        unreadable: dict[int, list[Path]] = {}
        for (each, data, errors), announced in zip(found, inside, strict=True):
            if data is None:
                yield _failed(part, each, errors), []
                continue
            if id(data) not in unreadable:
                _without_keys(data)
                unreadable[id(data)] = self._reader.unreadable(data, _first(part) or 0)
            more = [not_representable((*each.path, *path)) for path in unreadable[id(data)]]
            yield Piece(each.pending, each.path, data, [*errors, *more], _first(part)), announced

    def _found(self, part: Part, read: Any, objects: list[_Object]) -> Iterator[tuple[_Object, Any, Errors]]:
        """What was read for each object, and what went wrong."""
        for each in objects:
            if part.row is None:
                data, errors = _below(read["data"], part.place), read.get("errors", [])
            else:
                row = read.get(each.node_id)
                data, errors = _below(row, part.place[len(part.row) :]), []
                if row is None:
                    errors = [{**self._reader.failed(_gone(), part), "path": each.path}]
            if isinstance(part, StreamPart):
                data = None if data is None else data[part.key]
                errors = [{**error, "path": each.path} for error in errors]
            yield each, data, errors

    def _inside(self, part: Part, of: _Object, data: Any) -> list[Pending]:
        if data is None:
            return []
        rows = {} if part.row is None or of.node_id is None else {part.row: of.node_id}
        if isinstance(part, StreamPart):
            return self._begin(part.parts, (*part.place, part.key), of.path, data, rows, {}, part.streamed.first)
        return self._begin(part.parts, part.place, of.path, data, rows, {})


def _failed(part: Part, of: _Object, errors: Errors) -> Piece:
    return Piece(of.pending, of.path, None, errors, _first(part))


def _first(part: Part) -> int | None:
    """Of a list the index of what is read for it."""
    return part.streamed.first if isinstance(part, StreamPart) else None


def _below(data: Any, keys: Keys) -> Any:
    for key in keys:
        data = None if data is None else data[key]
    return data


def _gone() -> ApiError:
    return ApiError(ErrorCode.NOT_FOUND, "The row has gone since the first part of the answer was read.")


def _objects(
    part: Part, place: Keys, path: Path, data: Any, node_id: str | None, begin: int = 0
) -> Iterator[tuple[Path, str | None, dict[str, Any]]]:
    """Where in data the objects are that a part belongs to, each with the identifier of its row, and the object."""
    if type(data) is list:
        for index, each in enumerate(data, begin):
            yield from _objects(part, place, [*path, index], each, node_id)
        return
    if data is None:
        return
    if place == part.row:
        node_id = data.get(ROW_KEY, node_id)
    if place == part.place:
        yield path, node_id, data
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
    """Take out what only told the rows apart, and where pages go on."""
    if type(value) is list:
        for each in value:
            _without_keys(each)
    elif type(value) is dict:
        value.pop(ROW_KEY, None)
        value.pop(PAGE_KEY, None)
        for each in value.values():
            _without_keys(each)
