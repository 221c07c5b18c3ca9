"""Hears what a gateway asks of PostgREST: a small relay that keeps each request and its answer."""

import http.client
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    """One upstream request and the body that answered it.

    Attributes:
        path: Path and query as sent, beginning with a slash.
        headers: As sent, without `Host`.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Recorder:
    """A relay to PostgREST on a free port; a context manager."""

    def __init__(self, rest_url: str) -> None:
        address = urlsplit(rest_url)
        heard: list[Heard] = []

        class Relay(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                headers = tuple((name, value) for name, value in self.headers.items() if name.lower() != "host")
                upstream = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
                upstream.request("GET", self.path, headers=dict(headers))
                answer = upstream.getresponse()
                body = answer.read()
                upstream.close()
                heard.append(Heard("GET", self.path, headers, body))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "content-length", "date", "server"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._heard = heard
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The relay's address, to be given to a gateway as PostgREST's."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self) -> list[Heard]:
        """What was heard since the last call."""
        taken = self._heard[:]
        self._heard.clear()
        return taken
