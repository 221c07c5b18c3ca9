"""The settings of functions as `supabase/functions/settings.json` declares them, for functions and for us alike.

Takes the file and values; gives sentences that name a setting and never show its value, the same as the functions' own
`_shared/settings.ts`. Raises LocalStackError where the file makes no sense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "settings.json"
EVERY = "*"
# No name, no password, no fragment, nothing that is not seen.
_ADDRESS = re.compile(
    r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:[/?][^\x00-\x20#\\\x7f]*)?"
)
_SHORTEST_SECRET = 8
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class Declaration(BaseModel):
    """One setting.

    `functions` are names, or `*` for all. A `service_url` is what is called: over HTTPS, or on this machine; a
    `link_url` is for people. `min_length` is in characters; of secrets 8 unless it is said. `local` is what the
    embedded Supabase gives where nothing is set; `{api_url}` and `{site_url}` in it are this stack's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    functions: tuple[str, ...]
    description: str
    secret: bool = False
    required: bool = False
    kind: Literal["text", "service_url", "link_url"] = "text"
    min_length: int | None = None
    default: str | None = None
    local: str | None = None

    def mistake(self, name: str, value: str | None) -> str | None:
        """What is wrong with the setting's value, or None."""
        if not value:
            return f"{name} is not set: {self.description}" if self.required else None
        # A shorter secret could not be kept out of logs without taking words out of sentences, and would be guessed.
        least = self.min_length or (_SHORTEST_SECRET if self.secret else 1)
        if len(value) < least:
            return f"{name} is too short: it has at least {least} characters."
        if self.kind == "text":
            return None
        address = _ADDRESS.fullmatch(value)
        if address is None:
            return f"{name} is no address of the form https://host/path, without a name, a password or a fragment."
        if self.kind == "service_url" and address[1] != "https" and address[2] not in _THIS_MACHINE:
            return f"{name} must begin with https://, unless it leads to this machine (localhost, 127.0.0.1, [::1])."
        return None


Declarations = Mapping[str, Declaration]
_ADAPTER = TypeAdapter(dict[str, Declaration])


def declarations(functions: Path) -> Declarations:
    """What the functions of this folder declare, in the order of their names; nothing where there is no file."""
    file = functions / FILE
    try:
        found = _ADAPTER.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LocalStackError(f"{file}, {place or 'as a whole'}: {first['msg']}") from error
    return dict(sorted(found.items()))


def mistakes(declared: Declarations, environment: Mapping[str, str]) -> list[str]:
    """A sentence for each setting that is missing or wrong."""
    found = (each.mistake(name, environment.get(name)) for name, each in declared.items())
    return [sentence for sentence in found if sentence is not None]
