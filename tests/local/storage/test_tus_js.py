"""Resumable uploads, judged by the unmodified tus-js-client under Deno: 50 MB through connections that break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.local.deno_script import run_script

if TYPE_CHECKING:
    from tests.local.storage.conftest import Person

SIZE = 50_000_000


async def test_uploads_that_are_interrupted(ada: Person) -> None:
    ticket = (await ada.ask("POST", f"/object/upload/sign/{ada.path('ticket.bin')}")).json["token"]
    found = run_script("tus.js", ada.url, ada.token, ada.id, ticket, str(SIZE))
    bytes_ = bytes((place * 31 + (place >> 8)) & 255 for place in range(256 * 256)) * (SIZE // 65536 + 1)
    sizes = {"whole.bin": SIZE, "parts.bin": 13 * 1024**2, "broken.bin": SIZE, "ticket.bin": 1000}
    for name, size in sizes.items():
        assert (await ada.ask("GET", f"/object/{ada.path(name)}")).body == bytes_[:size], name
        info = (await ada.ask("GET", f"/object/info/{ada.path(name)}")).json
        shown = (info["size"], info["content_type"], info["cache_control"], info["metadata"])
        assert shown == (size, "image/png", "max-age=3600", {"camera": "old"})
    assert found["broken"]["broken"] == 3
    assert found["parts"]["offsets"][-1] == sizes["parts.bin"]
    assert found["whole"]["url"].startswith(f"{ada.url}/upload/resumable/")
    assert found["signed"]["url"].startswith(f"{ada.url}/upload/resumable/sign/")
    assert found["again"] == [409, "The resource already exists"]
    assert found["otherTicket"] == [400, "Invalid signature"]
    assert found["givenUp"] == 404
