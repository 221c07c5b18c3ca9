"""Which fields of a mutation try to prove who somebody is, by what, and as whom.

Each is counted by itself, so that many under aliases are as many attempts. They are counted before the first runs.
"""

import hashlib
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any, NamedTuple

from graphql import FieldNode, GraphQLError
from graphql.execution.values import VariableValues

from tripgate.gateway.operation import Operation
from tripgate.planner.selection import Selected
from tripgate.upstream.caller import Caller


class Kind(Enum):
    """By what an attempt is made."""

    PASSWORD = auto()
    CODE = auto()
    MAIL = auto()
    """It proves nothing itself, but has something mailed that will."""


class Attempt(NamedTuple):
    """One try.

    Attributes:
        account: The account that it is at; `None` where it names none.
    """

    kind: Kind
    account: str | None


_Account = Callable[[dict[str, Any], Caller], str | None]

# What an attempt is made by, and which account it is at, by the field's name, its arguments and the caller.
_ATTEMPTS: dict[str, tuple[Kind, _Account]] = {
    "signUp": (Kind.PASSWORD, lambda arguments, _: arguments["input"]["email"]),
    "signIn": (Kind.PASSWORD, lambda arguments, _: arguments["input"]["email"]),
    "refreshSession": (Kind.PASSWORD, lambda _, __: None),
    "requestPasswordReset": (Kind.MAIL, lambda arguments, _: arguments["email"]),
    "resetPassword": (Kind.CODE, lambda arguments, _: arguments.get("email")),
    "sendMagicLink": (Kind.MAIL, lambda arguments, _: arguments["email"]),
    "verifyOtp": (Kind.CODE, lambda arguments, _: arguments.get("email")),
    "changePassword": (Kind.PASSWORD, lambda _, caller: caller.email or caller.user_id),
    "deleteAccount": (Kind.PASSWORD, lambda _, caller: caller.email or caller.user_id),
}


def may_attempt(operation: Operation) -> bool:
    """Whether a mutation may hold attempts: a quick test of its document, true where it is not sure."""
    for node in operation.definition.selection_set.selections:
        if not isinstance(node, FieldNode) or node.name.value in _ATTEMPTS:
            return True  # a fragment may hold anything
    return False


def attempts(roots: Iterable[Selected], values: VariableValues, caller: Caller) -> list[Attempt]:
    """Each attempt.

    An account is known by the digest of its e-mail address, so that nobody need keep those, in the form in which Auth
    compares them.
    """
    found: list[Attempt] = []
    for selected in roots:
        attempt = _ATTEMPTS.get(selected.name)
        if attempt is None:
            continue
        kind, account_of = attempt
        try:
            email = account_of(selected.arguments(values), caller)
        except GraphQLError:
            email = None  # arguments that do not fit: the field fails by itself, and says why
        found.append(Attempt(kind, None if email is None else account(email)))
    return found


def account(email: str) -> str:
    """What an account is known by."""
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]
