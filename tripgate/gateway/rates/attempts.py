"""Which fields of a mutation try to prove who somebody is, and as whom.

Each is counted by itself, so that many under aliases are as many attempts. They are counted before the first runs.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from graphql import FieldNode, GraphQLError, OperationType
from graphql.execution.values import VariableValues

from tripgate.gateway.operation import Operation
from tripgate.planner.selection import Selected
from tripgate.upstream.caller import Caller

_Account = Callable[[dict[str, Any], Caller], str | None]

# Which account an attempt is at, by the field's name and its arguments.
_ACCOUNT_OF: dict[str, _Account] = {
    "signUp": lambda arguments, _: arguments["input"]["email"],
    "signIn": lambda arguments, _: arguments["input"]["email"],
    "refreshSession": lambda _, __: None,
    "requestPasswordReset": lambda arguments, _: arguments["email"],
    "resetPassword": lambda arguments, _: arguments.get("email"),
    "sendMagicLink": lambda arguments, _: arguments["email"],
    "verifyOtp": lambda arguments, _: arguments.get("email"),
    "changePassword": lambda _, caller: caller.email or caller.user_id,
    "deleteAccount": lambda _, caller: caller.email or caller.user_id,
}


def may_attempt(operation: Operation) -> bool:
    """Whether an operation may hold attempts; quick, and never wrong where it denies that."""
    if operation.kind is not OperationType.MUTATION:
        return False
    for node in operation.definition.selection_set.selections:
        if not isinstance(node, FieldNode) or node.name.value in _ACCOUNT_OF:
            return True  # a fragment may hold anything
    return False


def attempts(roots: Iterable[Selected], values: VariableValues, caller: Caller) -> list[str | None]:
    """The account of each attempt; `None` where the attempt names none.

    An account is known by the digest of its e-mail address, so that nobody need keep those, in the form in which Auth
    compares them.
    """
    found: list[str | None] = []
    for selected in roots:
        account_of = _ACCOUNT_OF.get(selected.name)
        if account_of is None:
            continue
        try:
            email = account_of(selected.arguments(values), caller)
        except GraphQLError:
            email = None  # arguments that do not fit: the field fails by itself, and says why
        found.append(None if email is None else _digest(email))
    return found


def _digest(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]
