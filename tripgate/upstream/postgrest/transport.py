"""One request to PostgREST and its answer, over HTTP, with the caller's own token."""

from tripgate.upstream.caller import Caller
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.http_client import HttpClient, header
from tripgate.upstream.http_connection import Answer, ConnectionFailedError, LateError
from tripgate.upstream.postgrest.render import Request, header_lines
from tripgate.upstream.resilience.failures import timed_out, unavailable

_FOR_THE_WAY = 0.25


class PostgrestTransport:
    """Sends rendered requests.

    Args:
        http: Carries connections to PostgREST only, never a caller's headers.
        api_key: The publishable key; an anonymous caller sends nothing else.
    """

    def __init__(self, http: HttpClient, api_key: str) -> None:
        self._http = http
        self._common = header("apikey", api_key) + header("User-Agent", "tripgate") + header("Accept", "*/*")

    async def send(self, request: Request, caller: Caller, timeout: float) -> Answer:  # noqa: ASYNC109 - the client's own
        """What PostgREST answers, whatever it is.

        Args:
            timeout: Seconds.

        Raises:
            NoAnswerError: TIMEOUT or UPSTREAM_UNAVAILABLE, it does not answer.
        """
        milliseconds = _database_ms(timeout)
        try:
            target = f"{request.schema}/{request.path}" if request.schema else request.path
            with UpstreamCall("rest", request.method, target, request.plan) as call:
                lines = call.lines
                head = self._http.head(request.method, request.path, self._common)
                if caller.token is not None:
                    head += header("Authorization", f"Bearer {caller.token}")
                if request.prefer:
                    head += header("Prefer", request.prefer)
                if request.body is not None:
                    head += b"Content-Type: application/json\r\n"
                if request.schema:
                    profile = "Accept-Profile" if request.method == "GET" else "Content-Profile"
                    head += header(profile, request.schema)
                if request.exactly is not None:
                    head += b"X-Exactly: %d\r\n" % request.exactly
                if request.texts:
                    head += b"".join(header(name, value) for name, value in header_lines(request.texts))
                head += b"X-Deadline-Ms: %d\r\n%b" % (milliseconds, lines)
                answer = await self._http.request(head, request.body, timeout)
                call.status = answer.status
                return answer
        except TimeoutError as error:
            raise timed_out(over=error.over if isinstance(error, LateError) else None) from None
        except ConnectionFailedError as error:
            raise unavailable(sent=error.sent) from None


def _database_ms(seconds: float) -> int:
    """What the database may take: a little less, so that it is Postgres who ends a statement, and says so."""
    return max(1, int(1000 * max(seconds / 2, seconds - _FOR_THE_WAY)))
