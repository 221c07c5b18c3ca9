"""What a system declares of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import click
    import httpx

    from tripgate.importing.declaring import Import


@dataclass(frozen=True, slots=True)
class Form:
    """A request to PostgREST in which its versions differ; the doctor asks whether this one answers it.

    Attributes:
        path: The path to ask for.
        said: What fails without it, and `advice` what to do; `None` where the database lacks something.
        like: Another path that finds the same rows, where there is one.
    """

    path: str
    said: str
    advice: str | None = None
    like: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of Storage; the fields are columns of `storage.buckets`.

    Attributes:
        file_size_limit: In bytes.
        resized: Whether clients are given addresses of its files in other sizes.
    """

    id: str
    public: bool
    file_size_limit: int
    allowed_mime_types: frozenset[str]
    resized: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a system's own check for the doctor found, in a sentence, and what to do about it."""

    level: Literal["ok", "note", "warning", "error"]
    text: str
    advice: str = ""


def good(text: str) -> Told:
    """Nothing is to be done."""
    return Told("ok", text)


def unseen(text: str, advice: str) -> Told:
    """This was not looked at."""
    return Told("note", text, advice)


def doubtful(text: str, advice: str) -> Told:
    """This works, but may not be meant so."""
    return Told("warning", text, advice)


def bad(text: str, advice: str) -> Told:
    """This does not work."""
    return Told("error", text, advice)


def may_have_keys(address: str) -> bool:
    """Whether a key may be sent to this address: by HTTPS, or on this machine."""
    where = urlsplit(address)
    here = where.scheme == "http" and where.hostname in {"127.0.0.1", "::1", "localhost"}
    return here or (where.scheme == "https" and bool(where.hostname))


class Check(Protocol):
    """Looks at a service outside, and changes nothing there."""

    async def __call__(self, http: httpx.AsyncClient, environment: Mapping[str, str], /) -> Sequence[Told]:
        """What it found, in sentences that hold no key.

        Raises:
            httpx.HTTPError: Nobody answers.
        """


@dataclass(frozen=True, slots=True)
class Demo:
    """Accounts that `supabase/seed.sql` makes, which development offers to sign in as.

    Attributes:
        shown: The accounts as people are told of them.
    """

    emails: tuple[str, ...]
    password: str
    shown: str


@dataclass(frozen=True, slots=True)
class System:
    """A system of the product.

    Attributes:
        commands: Of the command line, beside the engine's own.
        edge_functions: The Edge Functions that must be deployed.
        forms: Requests that must be answered.
        never_seen: For tables whose policies do not follow from a scope or from their owner: a query string of
            PostgREST's that finds rows which no policy shows, with `{me}` and `{email}` for the caller's own.
        buckets: Buckets of Storage that must be there.
        checks: Of the doctor, what it asks of services outside.
        demo: Who is there to try it.
        imports: What `tripgate import` takes of old data.
    """

    commands: tuple[click.Command, ...] = ()
    edge_functions: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    never_seen: Mapping[str, str] = field(default_factory=dict)
    buckets: tuple[Bucket, ...] = ()
    checks: tuple[Check, ...] = ()
    demo: Demo | None = None
    imports: Import | None = None
