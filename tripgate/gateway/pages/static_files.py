"""Files of pages, from memory.

They are read once, at the start, and served by exact name, so no request ever becomes a path of the file system.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tripgate.gateway.edge.unknown_paths import not_found

OWN = Path(__file__).with_name("static")
"""The folder of the gateway's own files."""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str


class StaticFiles:
    """Scripts, styles and pictures below one path.

    Args:
        paths: The files; their names must differ.
        named_by_digest: Whether each name tells what the file holds, as a bundler makes them.

    Raises:
        OSError: One cannot be read.
        KeyError: One is of no known kind.
    """

    def __init__(self, at: str, paths: Iterable[Path], *, named_by_digest: bool = False) -> None:
        self._at = at
        self._files = {path.name: _File(path.read_bytes(), _TYPES[path.suffix]) for path in paths}
        # Files that change get new addresses, so browsers may keep the old for ever.
        self._version = "" if named_by_digest else f"/{_version(self._files)}"

    @property
    def folder(self) -> str:
        """The path that stands before each name."""
        return self._at + self._version

    def add_to(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get(f"{self._at}/{{path:.*}}", self._one)

    async def _one(self, request: web.Request) -> web.Response:
        """One file, or 404 where there is none of that name in this version."""
        version, _, name = f"/{request.match_info['path']}".rpartition("/")
        file = self._files.get(name)
        if file is None or version != self._version:
            return not_found(request.app)
        headers = {
            **_COMMON_HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": _FILE_POLICY,
        }
        return web.Response(body=file.body, content_type=file.content_type, charset="utf-8", headers=headers)


def page(text: str, policy: str) -> web.Response:
    """A page.

    Args:
        policy: Its content security policy.
    """
    headers = {
        **_COMMON_HEADERS,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Vary": "Accept",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)


def plain(text: str) -> web.Response:
    """Text that is shown as it is."""
    headers = {**_COMMON_HEADERS, "Cache-Control": "no-cache", "Content-Security-Policy": _FILE_POLICY}
    return web.Response(text=text, content_type="text/plain", headers=headers)


def _version(files: Mapping[str, _File]) -> str:
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(name.encode() + b"\0" + files[name].body + b"\0")
    return found.hexdigest()[:16]
