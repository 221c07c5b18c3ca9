"""How a picture is to be shown: size, fit, quality, format. Told by a query, a body, or a signed address; checked as
the platform does. Source: supabase/storage, src/http/schemas/transformations.ts, src/storage/renderer/image.ts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from tripgate.local.storage import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

Resize = Literal["cover", "contain", "fill"]
Format = Literal["origin", "avif", "webp"]
SMALLEST, LARGEST = 1, 2500
WORST, BEST = 20, 100
RESIZES: tuple[Resize, ...] = ("cover", "contain", "fill")
FORMATS: tuple[Format, ...] = ("origin", "avif", "webp")
# As the platform's own renderer names them.
_RESIZING = {"cover": "fill", "contain": "fit", "fill": "force"}


@dataclass(frozen=True)
class Transformation:
    """0 leaves a size to the other and the picture."""

    width: int = 0
    height: int = 0
    resize: Resize = "cover"
    quality: int | None = None
    format: Format | None = None

    def described(self) -> str:
        """As a signed address keeps it; empty where nothing is to be done."""
        said = [f"{name}:{size}" for name, size in (("height", self.height), ("width", self.width)) if size]
        if said:
            said.append(f"resize:{self.resize}")
        if self.quality is not None:
            said.append(f"quality:{self.quality}")
        if self.format is not None:
            said.append(f"format:{self.format}")
        return ",".join(said)

    def header(self) -> str:
        """As the answer says what was done."""
        said = self.described().replace("resize:", "resizing_type:").replace("format:origin", "").strip(",")
        return said.replace(f"resizing_type:{self.resize}", f"resizing_type:{_RESIZING[self.resize]}")


def of_body(wanted: Mapping[str, Any]) -> Transformation:
    """What a JSON body wants. Raises StorageError for what is no size, fit, quality or format."""
    return _checked(wanted, "body/transform")


def of_query(query: Mapping[str, str]) -> Transformation:
    """What a query wants."""
    wanted: dict[str, Any] = {}
    for name in ("width", "height", "resize", "quality", "format"):
        if name in query:
            text = query[name]
            # Ten digits say as well as more that it is too large.
            wanted[name] = int(text.lstrip("0")[:10] or "0") if text.isascii() and text.isdigit() else text
    return _checked(wanted, "querystring")


def of_description(text: str) -> Transformation:
    """What a signed address keeps."""
    wanted: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition(":")
        wanted[name] = int(value) if value.isdigit() else value
    return _checked(wanted, "token")


def _checked(wanted: Mapping[str, Any], place: str) -> Transformation:
    made = Transformation()
    for name in ("width", "height"):
        if name in wanted:
            size = _number(wanted[name], f"{place}/{name}", 0, None)
            size = min(size, LARGEST)
            made = replace(made, width=size) if name == "width" else replace(made, height=size)
    if "quality" in wanted:
        made = replace(made, quality=_number(wanted["quality"], f"{place}/quality", WORST, BEST))
    if "resize" in wanted:
        made = replace(made, resize=_one_of(wanted["resize"], f"{place}/resize", RESIZES))
    if "format" in wanted:
        made = replace(made, format=_one_of(wanted["format"], f"{place}/format", FORMATS))
    return made


def _number(value: object, place: str, least: int, most: int | None) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.invalid_request(f"{place} must be integer")
    if value < least:
        raise errors.invalid_request(f"{place} must be >= {least}")
    if most is not None and value > most:
        raise errors.invalid_request(f"{place} must be <= {most}")
    return value


def _one_of(value: object, place: str, values: tuple[Any, ...]) -> Any:
    if value not in values:
        raise errors.invalid_request(f"{place} must be equal to one of the allowed values")
    return value
