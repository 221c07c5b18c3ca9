"""What functions find in their environment beside the platform's own: from a file, and what this stack gives by itself.

The file is `supabase/functions/.env`, as of the Supabase CLI, or the one that `--env-file` names. Takes the project's
folder and the stack's own values; gives the environment and warnings; raises LocalStackError with all that is wrong, by
name and line and without a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from tripgate.local.errors import LocalStackError
from tripgate.local.functions.declarations import declarations, mistakes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = ".env"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("SUPABASE_", "DENO_")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class FunctionsEnvironment:
    """Variables by name, and sentences for whoever starts the stack.

    Attributes:
        notes: Which services are asked themselves, and not their fakes.
    """

    variables: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def environment_of(
    functions: Path,
    env_file: Path | None,
    own: Mapping[str, str],
    addresses: Mapping[str, str],
    faked: Mapping[str, str] = MappingProxyType({}),
) -> FunctionsEnvironment:
    """The environment of the functions of this folder.

    Args:
        env_file: Read in place of the folder's own; it must be there then.
        own: What the stack gives by itself; the file may say otherwise.
        addresses: What `{api_url}` and the like stand for in what is declared as `local`.
        faked: Of each service that is faked, the setting of its key and that of its address. A key in the file is for
            the service itself: where the file has no address beside it, it is the declared default.
    """
    declared = declarations(functions)
    local = {
        name: _PLACEHOLDER.sub(lambda found: addresses.get(found[1], found[0]), each.local)
        for name, each in declared.items()
        if each.local is not None
    }
    file = env_file or functions / FILE
    given = _read(file, needed=env_file is not None)
    keys = [key for key in faked if key in given and given[key] != local.get(key)]
    outside = {
        faked[key]: default
        for key in keys
        if (declaration := declared.get(faked[key])) is not None and (default := declaration.default) is not None
    }
    variables = {**own, **local, **outside, **given}
    if found := mistakes(declared, variables):
        todo = f"Set them in {file}, as in {functions / '.env.example'}."
        raise LocalStackError("\n".join(["The settings of the functions do not allow a start.", *found, todo]))
    known = {*declared, *own}
    unknown = sorted(given.keys() - known) if declared else []
    notes = tuple(
        f"{key} is set: functions ask {variables[faked[key]]} ({faked[key]})."
        for key in keys
        if faked[key] in variables
    )
    return FunctionsEnvironment(variables, tuple(_unknown(name, file, known) for name in unknown), notes)


def _read(file: Path, *, needed: bool) -> dict[str, str]:
    """The variables of a file, as they are written: nothing in them stands for something else."""
    try:
        with file.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        if needed:
            raise LocalStackError(f"{file} is not there. --env-file names the settings of the functions.") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} cannot be read: {error}") from None
    found: dict[str, str] = {}
    wrong: list[str] = []
    for binding in bindings:
        line, name, value = binding.original.line, binding.key, binding.value
        if binding.error:
            wrong.append(f"Line {line} is not NAME=value.")
        elif name is None:
            continue  # a comment, or nothing
        elif not _NAME.fullmatch(name):
            wrong.append(f"Line {line}: a name has letters, digits and underscores, and does not begin with a digit.")
        elif name.upper().startswith(_RESERVED):
            wrong.append(f"Line {line}: {name} is the platform's to set, as all that begins so.")
        elif name in found:
            wrong.append(f"Line {line}: {name} is set above already.")
        elif not value:
            wrong.append(f"Line {line}: {name} is empty. Give it a value, or remove the line.")
        else:
            found[name] = value
    if wrong:
        raise LocalStackError("\n".join([f"{file} cannot be taken as it is.", *wrong]))
    return found


def _unknown(name: str, file: Path, known: set[str]) -> str:
    nearest = get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.7)
    meant = f" Is {nearest[0]} meant?" if nearest else ""
    return f"Warning: {name} of {file} is no setting that a function declares in settings.json.{meant}"
