"""What a faked service is, and what it is lent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tripgate.local.providers.clock import Clock
    from tripgate.local.providers.deliveries import Deliveries


def plain_error(status: int) -> web.Response:
    """The words of a provider that has none of its own."""
    return web.json_response({"error": {"message": f"The provider answers {status}."}}, status=status)


@dataclass(frozen=True)
class Lent:
    """What a provider is given to work with.

    Attributes:
        base_url: Where it answers itself, without a slash at the end.
        api_url: Where the project is; its functions are below `/functions/v1`.
        clock: The time that it has, and calls it once a moment has come.
        deliveries: Sends its webhooks.
        on_reset: Calls to forget everything; it adds its own.
        settings: What the project's functions find in their environment.
        functions: The names of the functions that the project has.
        control: Where it adds routes for tests alone, served below `/providers/control/<name>`.
    """

    base_url: str
    api_url: str
    clock: Clock
    deliveries: Deliveries
    on_reset: list[Callable[[], None]] = field(default_factory=list)
    control: web.Application = field(default_factory=web.Application)
    settings: Mapping[str, str] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Provider:
    """A service outside that is faked.

    Attributes:
        name: Its part of the path, `/providers/<name>`, of lower-case letters.
        title: Its name for people.
        create: Makes the application behind that path. What is behind it needs no key of this project.
        error: Its answer for a status, in its own words: for failures by script and paths that it does not have.
        variables: What functions find in their environment, by name: `{base_url}` stands for where it answers. The
            developer's own settings come first.
        key: The setting that holds the key; one of the developer's own is for the service itself, and not for the fake.
        page: Where it has a page for people, below its own path; what it asks again and again is not written down.
        page_title: What that is called.
        max_body: The largest body that it reads, in bytes; what is larger is refused with 413.
    """

    name: str
    title: str
    create: Callable[[Lent], web.Application]
    error: Callable[[int], web.Response] = plain_error
    variables: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    page: str = ""
    page_title: str = ""
    max_body: int = 1024**2
