"""Pictures as they are to be shown, and those that are made to cost much: a hundred megabytes are never needed."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.local.storage.conftest import Person, claims_of
from tripgate.local.storage.picture_worker import TOO_BIG, UNSUPPORTED, sizes
from tripgate.local.storage.renderer import WORKER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storage3 import SyncStorageClient

    from tests.local.storage.conftest import Answer

RED, BLUE = (200, 20, 20), (20, 20, 200)
LARGE = 100 * 1024 * 1024


def picture(size: tuple[int, int], kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """A picture, red on its left and blue on its right."""
    made = Image.new("RGB", size, RED)
    made.paste(BLUE, (size[0] // 2, 0, *size))
    file = io.BytesIO()
    made.convert(mode).save(file, kind, **options)
    return file.getvalue()


def opened(answer: Answer) -> Image.Image:
    """The picture that came."""
    assert answer.status == 200, answer.body
    return Image.open(io.BytesIO(answer.body))


@pytest.fixture
async def shown(ada: Person) -> Callable[..., Any]:
    """Keeps a picture and has it shown."""

    async def one(body: bytes, query: str, kind: str = "image/png", **headers: str) -> Answer:
        path = ada.path("a.png")
        made = await ada.ask("PUT", f"/object/{path}", data=body, headers={"Content-Type": kind})
        assert made.status == 200
        return await ada.ask("GET", f"/render/image/authenticated/{path}?{query}", headers=headers)

    return one


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("width=100&height=100", (100, 100)),
        ("width=100&height=100&resize=cover", (100, 100)),
        ("width=100&height=100&resize=contain", (100, 50)),
        ("width=100&height=100&resize=fill", (100, 100)),
        ("width=100", (100, 50)),
        ("height=100", (200, 100)),
        ("width=100&resize=fill", (100, 200)),
        ("width=4000&height=4000&resize=contain", (400, 200)),
        ("width=800&height=100", (400, 100)),
        ("width=4000&height=300&resize=fill", (2500, 300)),
        ("width=99999999999999999&height=300&resize=fill", (2500, 300)),
        ("quality=50", (400, 200)),
        ("", (400, 200)),
    ],
)
async def test_sizes(shown: Callable[..., Any], query: str, size: tuple[int, int]) -> None:
    found = opened(await shown(picture((400, 200)), query))
    assert found.size == size
    left, right = found.convert("RGB").getpixel((1, 1)), found.convert("RGB").getpixel((size[0] - 2, 1))
    assert (left, right) == (RED, BLUE)


def test_a_picture_keeps_one_dot_at_least() -> None:
    assert sizes((5000, 2), 100, 0, "contain") == ((100, 1), (100, 1))


@pytest.mark.parametrize(
    ("kind", "query", "accept", "became"),
    [
        ("JPEG", "width=10", "*/*", "image/jpeg"),
        ("JPEG", "width=10", "image/avif,image/webp,*/*", "image/webp"),
        ("JPEG", "width=10&format=origin", "image/webp", "image/jpeg"),
        ("PNG", "width=10&format=avif", "*/*", "image/avif"),
        ("PNG", "width=10&format=webp", "*/*", "image/webp"),
        ("WEBP", "width=10", "*/*", "image/webp"),
        ("AVIF", "width=10", "*/*", "image/avif"),
        ("GIF", "width=10", "*/*", "image/gif"),
        ("BMP", "width=10", "*/*", "image/png"),
    ],
)
async def test_formats(shown: Callable[..., Any], kind: str, query: str, accept: str, became: str) -> None:
    answer = await shown(picture((40, 20), kind), query, Accept=accept)
    assert (answer.headers["Content-Type"], answer.headers["Vary"]) == (became, "Accept")
    assert Image.MIME[opened(answer).format or ""] == became


@pytest.mark.parametrize("mode", ["P", "L", "1", "RGBA", "LA", "I;16", "CMYK"])
@pytest.mark.parametrize("accept", ["*/*", "image/webp"])
async def test_kinds_of_colour(shown: Callable[..., Any], mode: str, accept: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    body = picture((40, 20), kind, "L" if mode == "I;16" else mode)
    if mode == "I;16":
        file = io.BytesIO()
        Image.new("I;16", (40, 20), 40_000).save(file, "PNG")
        body = file.getvalue()
    assert opened(await shown(body, "width=10", Accept=accept)).size == (10, 5)


async def test_quality_counts(shown: Callable[..., Any]) -> None:
    noise = Image.effect_noise((300, 300), 80)
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=95)
    worst, usual, best = [len((await shown(file.getvalue(), f"quality={q}")).body) for q in (20, 80, 100)]
    assert worst < usual < best


async def test_a_picture_is_shown_as_it_was_seen(shown: Callable[..., Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = opened(await shown(picture((40, 20), "JPEG", exif=exif), "width=10&height=20&resize=contain"))
    assert found.size == (10, 20)
    top, bottom = found.getpixel((5, 2)), found.getpixel((5, 17))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 150, bottom[2] > 150) == (True, True)
    assert found.getexif() == {}


async def test_what_is_said_of_it(shown: Callable[..., Any]) -> None:
    answer = await shown(picture((40, 20)), "width=10&height=10&resize=contain&quality=50&download=small.png")
    assert answer.headers["X-Transformations"] == "height:10,width:10,resizing_type:fit,quality:50"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=small.png")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("width=-1", "querystring/width must be integer"),
        ("width=wide", "querystring/width must be integer"),
        ("height=1e3", "querystring/height must be integer"),
        ("quality=19", "querystring/quality must be >= 20"),
        ("quality=101", "querystring/quality must be <= 100"),
        ("resize=stretch", "querystring/resize must be equal to one of the allowed values"),
        ("format=gif", "querystring/format must be equal to one of the allowed values"),
    ],
)
async def test_wishes_that_make_no_sense(shown: Callable[..., Any], query: str, message: str) -> None:
    answer = await shown(picture((40, 20)), query)
    assert answer.refusal == (400, "400", "InvalidRequest", message)


async def test_a_signed_address_shows_what_was_signed(ada: Person, shown: Callable[..., Any]) -> None:
    await shown(picture((400, 200)), "width=10")
    wanted = {"width": 50, "height": 50, "resize": "contain"}
    signing = await ada.ask("POST", f"/object/sign/{ada.path('a.png')}", json={"expiresIn": 60, "transform": wanted})
    signed = signing.json["signedURL"]
    assert signed.startswith(f"/render/image/sign/{ada.path('a.png')}?token=")
    assert claims_of(signed)["transformations"] == "height:50,width:50,resize:contain"
    nobody = Person("", "", ada.url, ada.http)
    assert opened(await nobody.ask("GET", f"{signed}&width=400&height=200")).size == (50, 25)
    refused = await ada.ask(
        "POST", f"/object/sign/{ada.path('a.png')}", json={"expiresIn": 60, "transform": {"quality": 5}}
    )
    assert refused.refusal[3] == "body/transform/quality must be >= 20"


async def test_a_public_picture(service: Person, client: Callable[[str], SyncStorageClient]) -> None:
    await service.ask("PUT", "/object/faces/a.png", data=picture((40, 20)), headers={"Content-Type": "image/png"})
    url = client(service.token).from_("faces").get_public_url("a.png", {"transform": {"width": 10, "height": 10}})
    nobody = Person("", "", service.url, service.http)
    assert opened(await nobody.ask("GET", url.removeprefix(service.url))).size == (10, 10)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'


async def test_a_drawing_is_passed_on_without_its_scripts_power(shown: Callable[..., Any]) -> None:
    answer = await shown(SVG, "width=10", "image/svg+xml")
    assert (answer.body, answer.headers["Content-Type"]) == (SVG, "image/svg+xml")
    assert answer.headers["Content-Security-Policy"] == "script-src 'none'"
    refused = await shown(SVG, "width=10&format=webp", "image/svg+xml")
    assert refused.refusal == (400, "400", "InvalidRequest", UNSUPPORTED)


@pytest.mark.parametrize("body", [b"", b"no picture", SVG, picture((40, 20))[:60], b"GIF89a" + b"\xff" * 20])
async def test_what_is_no_picture(shown: Callable[..., Any], body: bytes) -> None:
    answer = await shown(body, "width=10")
    assert answer.refusal == (400, "400", "InvalidRequest", UNSUPPORTED)


def chunk(name: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size: tuple[int, int], colours: int, depth: int, row: int, extra: bytes = b"") -> bytes:
    """A PNG file of nothing but zeros, which says that it is as large as it says."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * row) for _ in range(size[1])) + packer.flush()
    head = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bombs() -> Iterator[tuple[str, bytes, str | None]]:
    """Small files of large pictures, and why each is not changed; None where it is."""
    yield "within what is taken, of four bytes a dot", png((7000, 7000), 6, 8, 28_001), TOO_BIG
    yield "of eight bytes a dot", png((4500, 4500), 6, 16, 36_001), None
    yield "of one bit a dot, four hundred million", png((20_000, 20_000), 0, 1, 2_501), TOO_BIG
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    yield "with two hundred megabytes of text", png((10, 10), 2, 8, 31, text), None
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    yield "with a colour profile of as many", png((10, 10), 2, 8, 31, profile), None
    yield "a GIF of four thousand million dots", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0), None
    grey = Image.new("L", (7000, 7000))
    file = io.BytesIO()
    grey.save(file, "JPEG", quality=20)
    yield "a JPEG that can be read smaller", file.getvalue(), None
    file = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(file, "JPEG", quality=20, progressive=True, subsampling=0)
    yield "a JPEG that cannot", file.getvalue(), None
    file = io.BytesIO()
    Image.new("RGB", (16_000, 3_000)).save(file, "WEBP", quality=1, method=0)
    yield "a WebP", file.getvalue(), None
    yield "a photograph of a telephone", picture((4032, 3024), "JPEG"), None


def test_a_bomb_costs_less_than_a_hundred_megabytes(tmp_path: Path) -> None:
    def ask(body: bytes, **wanted: Any) -> dict[str, str]:
        source = tmp_path / "source"
        source.write_bytes(body)
        job = {"source": str(source), "target": str(tmp_path / "target"), "format": "image/webp", "quality": 80}
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps({**job, "width": 2500, "height": 2500, "resize": "cover", **wanted}) + "\n")
        worker.stdin.flush()
        answer: dict[str, str] = json.loads(worker.stdout.readline())
        return answer

    def most() -> int:
        status = Path(f"/proc/{worker.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    with subprocess.Popen([sys.executable, "-m", WORKER], stdin=-1, stdout=-1, text=True) as worker:
        assert ask(picture((10, 10)), width=5, height=5) == {"type": "image/webp"}
        before = most()
        for name, body, refusal in bombs():
            answer = ask(body)
            assert len(body) < 2_000_000, name
            assert answer == {"error": refusal} if refusal else answer.keys() <= {"error", "type"}, name
            assert most() - before < LARGE, name
            # It goes on.
            assert ask(picture((10, 10)), width=5, height=5) == {"type": "image/webp"}, name
        assert ask(picture((4032, 3024), "JPEG"), width=600, height=600) == {"type": "image/webp"}
        assert worker.stdin is not None
        worker.stdin.close()


async def test_a_picture_that_kills_the_renderer_is_the_only_one_that_is_not_shown(
    ada: Person, shown: Callable[..., Any]
) -> None:
    answer = await shown(png((7000, 7000), 6, 8, 28_001), "width=2500")
    assert answer.refusal == (400, "400", "InvalidRequest", TOO_BIG)
    assert opened(await shown(picture((40, 20)), "width=10")).size == (10, 5)
