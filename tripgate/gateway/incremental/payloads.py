"""What goes to a client of an answer in parts, in either of the formats that there are.

- `BY_PATH`, `multipart/mixed;deferSpec=20220824`: each part says its path.
- `BY_ID`, `multipart/mixed;incrementalSpec=v0.2`: what is to come is announced, and each part says of what it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tripgate.gateway.edge.media_types import BY_ID, BY_PATH

Path = list[str | int]


@dataclass(slots=True, eq=False)
class Pending:
    """A fragment that was put off, of one object, or a list but for its first rows.

    Attributes:
        pieces: How many parts of it are still to come.
        errors: Of those that could not be read.
    """

    id: str
    path: Path
    label: str | None
    pieces: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part.

    Attributes:
        pending: The fragments that it is of.
        path: Of the object that its fields belong to, or of the list.
        data: These fields, or rows of the list; `None` where they could not be read.
        errors: Of what stands in it, or why it is not there.
        first: Of a list: the index of the first of these rows.
    """

    pending: list[Pending]
    path: Path
    data: dict[str, Any] | list[Any] | None
    errors: list[dict[str, Any]]
    first: int | None = None

    @property
    def empty(self) -> bool:
        """Whether it adds nothing: a list had no more rows."""
        return self.data == []


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sent at once.

    Attributes:
        answer: Of the first: what was not put off.
        pending: What is put off inside of it.
        completed: What nothing more comes of.
        last: Whether nothing more comes at all.
    """

    answer: dict[str, Any] | None
    pending: list[Pending]
    pieces: list[Piece]
    completed: list[Pending]
    last: bool

    @property
    def errors(self) -> list[dict[str, Any]]:
        """All errors in it."""
        found = [error for piece in self.pieces for error in piece.errors]
        return found if self.answer is None else [*self.answer.get("errors", ()), *found]


def _by_path(payload: Payload) -> dict[str, Any]:
    if payload.answer is not None:
        return {**payload.answer, "hasNext": not payload.last}
    found = [_patch(piece) for piece in payload.pieces if not piece.empty]
    return {**({"incremental": found} if found else {}), "hasNext": not payload.last}


def _patch(piece: Piece) -> dict[str, Any]:
    label = piece.pending[0].label
    named = {} if label is None else {"label": label}
    path = piece.path if piece.first is None else [*piece.path, piece.first]
    return {**named, "path": path, **_content(piece)}


def _content(piece: Piece) -> dict[str, Any]:
    name = "data" if piece.first is None else "items"
    return {name: piece.data, **({"errors": piece.errors} if piece.errors else {})}


def _by_id(payload: Payload) -> dict[str, Any]:
    found = dict(payload.answer or {})
    if payload.pending:
        found["pending"] = [
            {"id": each.id, "path": each.path, **({} if each.label is None else {"label": each.label})}
            for each in payload.pending
        ]
    if pieces := [_of_id(piece) for piece in payload.pieces if piece.data is not None and not piece.empty]:
        found["incremental"] = pieces
    if payload.completed:
        found["completed"] = [
            {"id": each.id, **({"errors": each.errors} if each.errors else {})} for each in payload.completed
        ]
    return {**found, "hasNext": not payload.last}


def _of_id(piece: Piece) -> dict[str, Any]:
    nearest = max(piece.pending, key=lambda each: len(each.path))
    below = piece.path[len(nearest.path) :]
    return {"id": nearest.id, **({"subPath": below} if below else {}), **_content(piece)}


FORMATS: Mapping[str, Callable[[Payload], dict[str, Any]]] = {BY_PATH: _by_path, BY_ID: _by_id}
"""How a payload is written, by the parameter of the media type that names the format."""
