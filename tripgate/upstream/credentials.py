"""What people give to prove who they are, as far as it can be judged before Auth is asked."""

import re
import time
from dataclasses import dataclass
from typing import Any

import jwt

from gql.errors import bad_input
from tripgate.upstream.caller import Caller

MAILED = frozenset({"otp", "recovery", "magiclink"})
"""Ways to sign in by what was mailed, in the words of claim `amr`. Auth says `otp` of every kind of mail, and the rest
where the code of a link that was followed was exchanged."""

_LONGEST_NAME = 80
_LONGEST_ADDRESS = 255
_LONGEST_PASSWORD = 72  # bytes; bcrypt, which Auth hashes with, takes no more
# As HTML has it for <input type=email>, and Auth for addresses that it mails to.
_ADDRESS = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)


@dataclass(frozen=True, slots=True)
class Mailed:
    """What was mailed: a code, which needs the address that it went to, or what a link of a mail carries.

    Attributes:
        given: As Auth takes it: `email` and `token`, or `token_hash`.
    """

    given: dict[str, str]

    @classmethod
    def of(cls, email: str | None, token: str | None, token_hash: str | None) -> "Mailed":
        """One of the two forms.

        Raises:
            ApiError: BAD_USER_INPUT for neither, both, or half of one.
        """
        if token_hash is not None and email is None and token is None:
            return cls({"token_hash": checked("tokenHash", token_hash)})
        if token_hash is None and email is not None and token is not None:
            return cls({"email": checked("email", email), "token": checked("token", token)})
        raise bad_input("Give `email` and `token`, or `tokenHash` alone.")

    @property
    def refusal(self) -> str:
        """What is said of one that is wrong."""
        what = "link" if "token_hash" in self.given else "code"
        return f"The {what} is wrong, used or too old. Ask for a new one."


def checked(field: str, text: str) -> str:
    """A text that can be given to Auth.

    Raises:
        ApiError: BAD_USER_INPUT; no text in Postgres holds U+0000, and Auth fails on it.
    """
    if "\0" in text:
        raise bad_input(f"{field} contains the character U+0000, which text cannot hold.", field=field)
    return text


def new_password(field: str, text: str) -> str:
    """A password that could become somebody's. How weak it may be is for Auth, which may know it only once it has spent
    what was mailed; what no project takes is refused before.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    if not checked(field, text):
        raise bad_input("A password is not empty.", field=field)
    if len(text.encode()) > _LONGEST_PASSWORD:
        most = f"at most {_LONGEST_PASSWORD} bytes: as many plain letters and digits, fewer of others"
        raise bad_input(f"A password has {most}.", field=field)
    return text


def address(text: str) -> str:
    """An address that mail can be sent to. Auth checks too, but not in each case says so.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    if len(checked("email", text)) > _LONGEST_ADDRESS:
        raise bad_input(f"An e-mail address has at most {_LONGEST_ADDRESS} characters.", field="email")
    if _ADDRESS.fullmatch(text) is None:
        raise bad_input("This is no e-mail address.", field="email")
    return text


def display_name(text: str) -> str:
    """A new person's name. It becomes part of every access token, so no profile's check is waited for.

    Raises:
        ApiError: BAD_USER_INPUT.
    """
    if len(checked("displayName", text)) > _LONGEST_NAME:
        raise bad_input(f"A name has at most {_LONGEST_NAME} characters.", field="displayName")
    if not text.strip():
        # Auth would take it, and the profile be called Traveller: that is for clients of Auth that ask for no name.
        raise bad_input(
            f"A name has 1 to {_LONGEST_NAME} characters, and not all of them are blank.", field="displayName"
        )
    return text


def signed_in_by_mail(caller: Caller, seconds: float) -> bool:
    """Whether what proved the caller's session last was mailed, and is not older than that.

    Args:
        caller: Whose token has been verified.
    """
    if caller.token is None:
        return False
    claims = jwt.decode(caller.token, options={"verify_signature": False})
    methods = claims.get("amr")
    entries = [entry for entry in methods if _is_entry(entry)] if isinstance(methods, list) else []
    newest = max(entries, key=lambda entry: float(entry["timestamp"]), default=None)
    return newest is not None and newest["method"] in MAILED and time.time() - newest["timestamp"] < seconds


def _is_entry(entry: Any) -> bool:
    # A hook of the project may have left bare names, which say no time.
    return isinstance(entry, dict) and isinstance(entry.get("timestamp"), (int, float)) and "method" in entry
