"""Auth's mails: whether they carry the codes that people type in, as far as that can be seen from here.

The words of a project's mails are told to its owners alone, so this looks at the templates that `supabase/config.toml`
names in the folder where the doctor is called, and says that it has seen no more.
"""

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

from tripgate.commands.doctor.report import Finding, note, ok, warning

# The mails that end in `verifyOtp` or `resetPassword`.
MAILS = ("confirmation", "recovery", "magic_link", "email_change", "invite")
_CODE = re.compile(r"\{\{-?\s*\.Token\s*-?\}\}")
_LINK = re.compile(r"\{\{-?\s*\.(?:ConfirmationURL|TokenHash)\s*-?\}\}")
_UNSEEN = "Which templates the project has cannot be seen from outside"
_PUT = (
    "Put supabase/templates into Auth's e-mail templates, as docs/deploy.md says; without them a mail has a link alone,"
    " and the application must send its token as `tokenHash`."
)


async def templates(folder: Path) -> list[Finding]:
    """What the templates in this folder lack."""
    return await asyncio.to_thread(_inspect, folder)


def _inspect(folder: Path) -> list[Finding]:
    try:
        config = tomllib.loads((folder / "supabase" / "config.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return [note(f"{_UNSEEN}, nor is there a supabase/config.toml here to go by.", _PUT)]
    named = _table(_table(_table(config, "auth"), "email"), "template")
    findings = []
    for mail in MAILS:
        text = _text(folder, _table(named, mail).get("content_path"))
        lacks = [
            what for what, pattern in (("code", _CODE), ("link", _LINK)) if text is None or not pattern.search(text)
        ]
        if text is None:
            findings.append(
                warning(f"supabase/config.toml has no template for the mail {mail} that can be read.", _PUT)
            )
        elif lacks:
            findings.append(warning(f"The template of the mail {mail} carries no {' and no '.join(lacks)}.", _PUT))
    if findings:
        return findings
    return [ok("The mail templates of supabase/config.toml carry a code and a link."), note(f"{_UNSEEN}.", _PUT)]


def _text(folder: Path, path: Any) -> str | None:
    try:
        return (folder / path).read_text(encoding="utf-8") if isinstance(path, str) else None
    except (OSError, UnicodeDecodeError):
        return None


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}
