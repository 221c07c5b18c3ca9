"""An answer's entity tag, and the answer to a client that holds it already.

By the time that this is asked, the caller's token has been verified like that of any request: `304 Not Modified` tells
something, too.
"""

from collections.abc import Mapping

from aiohttp import web

from tripgate.gateway.cache.answers import Finished

# For the person alone, and never shown without asking: the caller may have signed out, or changed what it shows.
_HEADERS = {"Vary": "Accept, Authorization", "Cache-Control": "private, no-cache"}


def conditional(
    request: web.Request, finished: Finished, media_type: str, headers: Mapping[str, str]
) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers of an answer, which is without a body where the client has it.

    Args:
        media_type: The same bytes under another one are another representation.
        headers: Those that it has anyway.
    """
    if finished.tag is None:
        return 200, finished.body, headers
    etag = f'"{finished.tag}-{media_type.rpartition("/")[2]}"'
    headers = {**headers, **_HEADERS, "ETag": etag}
    if request.method in {"GET", "HEAD"} and _holds(request.headers.getall("If-None-Match", ()), etag):
        return 304, b"", headers
    return 200, finished.body, headers


def _holds(sent: tuple[str, ...] | list[str], etag: str) -> bool:
    """Whether one of the tags in these headers is this one, weakly compared, or `*`. No tag here has a comma in it."""
    given = {each.strip().removeprefix("W/") for line in sent for each in line.split(",")}
    return etag in given or "*" in given
