"""PKCE: who asks for a mail keeps a secret, and only with it a link of that mail becomes a session.

Rows of `auth.flow_state`. Source: supabase/auth, internal/models/flow_state.go and internal/api/pkce.go.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from tripgate.local.auth import sessions, users
from tripgate.local.auth.errors import AuthError, unforeseen

if TYPE_CHECKING:
    from aiohttp import web

    from tripgate.local.auth.bodies import ChallengeBody
    from tripgate.local.auth.context import AuthContext, Connection, Row

METHODS = ("s256", "plain")
CHALLENGE = re.compile(r"[a-zA-Z._~0-9-]+")
# How a session was begun, by the type of the link that began it.
AUTHENTICATION_METHODS = {
    "signup": "email/signup",
    "invite": "invite",
    "recovery": "recovery",
    "magiclink": "magiclink",
    "email_change": "email_change",
}


def check(body: ChallengeBody) -> bool:
    """Whether the request wants this flow. Raises AuthError `validation_failed` for half a challenge or a bad one.

    Its method is looked at by `begin` alone, as on the platform.
    """
    challenge, method = body.code_challenge, body.code_challenge_method
    if bool(challenge) != bool(method):
        raise AuthError(400, "validation_failed", "PKCE flow requires code_challenge_method and code_challenge")
    if not challenge:
        return False
    if not 43 <= len(challenge) <= 128:
        raise AuthError(400, "validation_failed", "code challenge has to be between 43 and 128 characters")
    if not CHALLENGE.fullmatch(challenge):
        allowed = "alphanumeric characters, hyphens, periods, underscores and tildes"
        raise AuthError(400, "validation_failed", f"code challenge can only contain {allowed}")
    return True


async def begin(connection: Connection, user: Row, body: ChallengeBody, type_: str) -> None:
    """Remember the challenge of a request for a mail with a link of this type. Those of yesterday are forgotten.

    Raises AuthError `unexpected_failure` for a method that is unknown, as the platform does.
    """
    if body.code_challenge_method.lower() not in METHODS:
        raise unforeseen()
    await connection.execute("delete from auth.flow_state where created_at < now() - interval '1 day'")
    await connection.execute(
        """
        insert into auth.flow_state (
            id, user_id, auth_code, code_challenge_method, code_challenge, provider_type, authentication_method,
            created_at, updated_at
        ) values (%s, %s, %s, %s, %s, %s, %s, now(), now())
        """,
        (
            uuid4(),
            user["id"],
            str(uuid4()),
            body.code_challenge_method.lower(),
            body.code_challenge,
            "email",
            AUTHENTICATION_METHODS[type_],
        ),
    )


async def issue_code(connection: Connection, user_id: UUID, type_: str) -> str:
    """The code for the application, once the link was followed. Raises AuthError `flow_state_not_found`."""
    cursor = await connection.execute(
        """
        update auth.flow_state set auth_code_issued_at = now(), updated_at = now() where id = (
            select id from auth.flow_state where user_id = %s and authentication_method = %s
            order by created_at desc limit 1
        ) returning auth_code
        """,
        (user_id, AUTHENTICATION_METHODS[type_]),
    )
    row = await cursor.fetchone()
    if row is None:
        raise AuthError(400, "flow_state_not_found", "No associated flow state found.")
    code: str = row["auth_code"]
    return code


async def exchange(
    context: AuthContext, connection: Connection, request: web.Request, code: str, verifier: str
) -> dict[str, Any]:
    """A session for a code and the secret behind its challenge. The code works once. Raises AuthError."""
    cursor = await connection.execute("select * from auth.flow_state where auth_code = %s for update", (code,))
    flow = await cursor.fetchone()
    user = await users.find_by_id(connection, flow["user_id"]) if flow and flow["user_id"] else None
    if flow is None or user is None:
        raise AuthError(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    issued_at = flow["auth_code_issued_at"]
    lifetime = datetime.timedelta(seconds=context.settings.auth_code_seconds)
    if issued_at is None or datetime.datetime.now(datetime.UTC) > issued_at + lifetime:
        raise AuthError(422, "flow_state_expired", "invalid flow state, flow state has expired")
    if not compare_digest(flow["code_challenge"], _challenge(verifier, flow["code_challenge_method"])):
        message = "code challenge does not match previously saved code verifier"
        raise AuthError(400, "bad_code_verifier", message)
    if users.is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")
    await connection.execute("delete from auth.flow_state where id = %s", (flow["id"],))
    return await sessions.open_session(context, connection, user, request, method=flow["authentication_method"])


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        # Comparison takes ASCII alone, and every challenge is that.
        return verifier if verifier.isascii() else ""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode(errors="replace")).digest()).rstrip(b"=").decode()
