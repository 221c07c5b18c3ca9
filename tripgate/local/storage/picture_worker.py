"""Changes pictures, in a process of its own that may have so much memory and no more: `python -m
tripgate.local.storage.picture_worker`.

Reads one job a line, JSON: `source` and `target` are paths, `width` and `height` sizes (0: free), `resize` cover,
contain or fill, `quality` 1 to 100, `format` a media type or null for the picture's own. Writes one line for each:
`{"type": …}`, the media type that it became, or `{"error": …}`, one of the sentences below. Ends with its input.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from PIL import Image

# As many dots as the platform takes.
MAX_PIXELS = 50_000_000
# A hostile picture costs less than 100 MB, whatever it says of itself.
MEMORY = 92 * 1024 * 1024
TOO_BIG = "The source image resolution is too large to process"
UNSUPPORTED = "The source image is invalid or unsupported for rendering"
FORMATS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
# An MPO opens as the JPEG that it begins with.
OPENED = [name for name in FORMATS if name != "MPO"]
_SAVED_AS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/avif": "AVIF", "image/gif": "GIF"}
_WITH_QUALITY = {"JPEG", "WEBP", "AVIF"}
# How a camera was held, and what makes its picture upright.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = {_TURNS[held] for held in (5, 6, 7, 8)}


def sizes(source: tuple[int, int], width: int, height: int, resize: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """To what size a picture is scaled, and what is then left of it around the middle.

    Only `fill` makes it larger or changes its shape; a size of 0 follows from the other one, and is kept by `fill`.
    """
    across, down = source
    if not width and not height:
        return source, source
    if resize == "fill":
        size = (width or across, height or down)
        return size, size
    scales = [wanted / had for wanted, had in ((width, across), (height, down)) if wanted]
    scale = min(1.0, min(scales) if resize == "contain" else max(scales))
    scaled = (max(1, round(across * scale)), max(1, round(down * scale)))
    if resize == "contain":
        return scaled, scaled
    return scaled, (min(width or scaled[0], scaled[0]), min(height or scaled[1], scaled[1]))


class PictureError(Exception):
    """A picture that is not changed, with a sentence that says why."""


def change(job: dict[str, Any]) -> str:
    """Do one job; the media type that the picture became. Raises PictureError."""
    try:
        with Image.open(job["source"], formats=OPENED) as picture:
            _check_size(picture)
            upright = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
            lies = upright in _ON_ITS_SIDE
            shown = (picture.height, picture.width) if lies else picture.size
            scaled, kept = sizes(shown, job["width"], job["height"], job["resize"])
            kind: str = job["format"] or FORMATS[picture.format or ""]
            profile = picture.info.get("icc_profile")
            # Turned last, when it is small.
            made = _resized(picture, (scaled[1], scaled[0]) if lies else scaled)
            if upright is not None:
                made = made.transpose(upright)
            left, top = (scaled[0] - kept[0]) // 2, (scaled[1] - kept[1]) // 2
            if kept != scaled:
                made = made.crop((left, top, left + kept[0], top + kept[1]))
            return _save(made, Path(job["target"]), kind, job["quality"], profile)
    except (MemoryError, Image.DecompressionBombError):
        raise PictureError(TOO_BIG) from None
    except PictureError:
        raise
    except Exception as error:
        # Decoders have many ways to say that something is none of theirs.
        sys.stderr.write(f"not changed: {error!r}\n")
        raise PictureError(UNSUPPORTED) from error


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise PictureError(TOO_BIG)


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    # JPEG alone can be read smaller than it is.
    picture.draft(None, size)
    if picture.size == size:
        picture.load()
        return picture
    if picture.mode.startswith("I"):
        picture = picture.convert("L")
    elif picture.mode in {"P", "1"}:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _save(picture: Image.Image, target: Path, kind: str, quality: int, profile: bytes | None) -> str:
    name = _SAVED_AS.get(kind, "PNG")
    if name == "JPEG" and picture.mode not in {"RGB", "L"}:
        picture, profile = picture.convert("RGB"), None
    elif name in {"WEBP", "AVIF"} and picture.mode not in {"RGB", "RGBA"}:
        alpha = picture.mode in {"LA", "PA", "RGBa"} or "transparency" in picture.info
        picture, profile = picture.convert("RGBA" if alpha else "RGB"), None
    options: dict[str, Any] = {"quality": quality} if name in _WITH_QUALITY else {}
    if profile is not None and name != "GIF":
        options["icc_profile"] = profile
    picture.save(target, name, **options)
    return next(media for media, saved in _SAVED_AS.items() if saved == name)


def limit_memory() -> None:
    """Let this process have `MEMORY` more than it has now, and no more."""
    Image.init()
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def main() -> None:
    """The process's entry."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    if Path("/proc/self/statm").exists():
        limit_memory()
    for line in sys.stdin:
        try:
            answer = {"type": change(json.loads(line))}
        except PictureError as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
