"""Failures by script: what happens to the next requests of a kind instead of, or after, what they asked for."""

# Evaluated annotations: pydantic reads them at run time.
import itertools
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

MAX_SCRIPTED = 100

Kind = Literal["status", "garbage", "truncate", "drop", "delay"]


class Failure(BaseModel):
    """One script.

    Attributes:
        provider: Whose requests.
        method: All, where none is given.
        path: A pattern such as `/v1/customers*`, of the path below the provider.
        times: How many requests it concerns.
        skip: How many it leaves alone before.
        kind: `status` answers that; `garbage` is a 200 that is no JSON; `truncate` ends amid the body; `drop` resets
            the connection; `delay` only waits.
        body: Of the answer; where there is none, the provider's own words for that status.
        after: Do what was asked first: the answer is lost, and not the request.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel)

    provider: str
    method: str | None = Field(None, pattern=r"^[A-Z]+$")
    path: str = Field("*", min_length=1, max_length=500)
    times: int = Field(1, ge=1, le=100_000)
    skip: int = Field(0, ge=0, le=100_000)
    kind: Kind
    status: int = Field(500, ge=200, le=599)
    headers: dict[str, str] = {}
    body: str | None = Field(None, max_length=1_000_000)
    delay_seconds: float = Field(0.0, ge=0, le=300)
    after: bool = False

    @model_validator(mode="after")
    def _are_headers(self) -> Self:
        for name, value in self.headers.items():
            if not name.isascii() or not name or any(each in name + value for each in "\r\n\0"):
                raise ValueError(f"headers: {name!r} is no header")
        return self

    def concerns(self, provider: str, method: str, path: str) -> bool:
        """Whether such a request is meant."""
        return provider == self.provider and method == (self.method or method) and fnmatchcase(path, self.path)


class Failures:
    """The scripts, oldest first; a request is concerned by the first that fits."""

    def __init__(self) -> None:
        self._left: dict[int, list[Any]] = {}
        self._numbers = itertools.count(1)

    def add(self, failure: Failure) -> int:
        """Add a script; its number. Raises ValueError where there are too many."""
        if len(self._left) >= MAX_SCRIPTED:
            raise ValueError(f"There are {MAX_SCRIPTED} scripts already: remove them first")
        number = next(self._numbers)
        self._left[number] = [failure, failure.skip, failure.times]
        return number

    def take(self, provider: str, method: str, path: str) -> Failure | None:
        """The script for this request, which has one request less to go."""
        for number, script in self._left.items():
            failure, skip, times = script
            if not failure.concerns(provider, method, path):
                continue
            if skip:
                script[1] -= 1
                return None
            script[2] = times - 1
            if script[2] == 0:
                del self._left[number]
            return failure  # type: ignore[no-any-return]
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """What is still to come."""
        return [
            {"number": number, **failure.model_dump(by_alias=True), "skip": skip, "times": times}
            for number, (failure, skip, times) in self._left.items()
        ]

    def empty(self) -> None:
        """No more failures."""
        self._left.clear()
