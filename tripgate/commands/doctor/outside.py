"""What systems ask of services outside, which the engine knows nothing of."""

import os

import httpx

from tripgate.commands.doctor.report import Finding, Level, failure
from tripgate.systems.system import Check


async def told(check: Check, http: httpx.AsyncClient) -> list[Finding]:
    """What a system's own check finds, with the environment's settings."""
    try:
        found = await check(http, os.environ)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Of a request there is its host; what it carried is nobody's to read.
        host = error.request.url.host if isinstance(error, httpx.RequestError) else "the address"
        return [failure(f"Nobody answers at {host}: {type(error).__name__}.", "Is it reached from here? Try again.")]
    return [Finding(Level(each.level), each.text, each.advice) for each in found]
