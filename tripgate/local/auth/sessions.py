"""Sessions and their refresh tokens: rows of `auth.sessions` and `auth.refresh_tokens`, and the tokens made from them.

A refresh token works once. Using it revokes it and makes its child. A revoked token is still answered when it is the
parent of the active one (the client never saw the answer: it gets the active one again), or for ten seconds after it
was revoked (two tabs at once); later use means theft, and revokes every token of the session.
Source: supabase/auth, internal/api/token_refresh.go. One thing is stricter here: in a session without an active token
nothing is answered, so the ten seconds do not revive a session that has just been revoked for theft.
"""

from __future__ import annotations

import datetime
import re
import secrets
import string
import time
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

from tripgate.local.auth import users
from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from aiohttp import web

    from tripgate.local.auth.context import AuthContext, Connection, Row

LogoutScope = Literal["global", "local", "others"]
# The platform's form: whoever sends anything else has no token of this service.
TOKEN_CHARACTERS = string.ascii_lowercase + string.digits
TOKEN_LENGTH = 12
TOKEN = re.compile(rf"[{TOKEN_CHARACTERS}]{{{TOKEN_LENGTH}}}")


async def open_session(
    context: AuthContext, connection: Connection, user: Row, request: web.Request, *, method: str = "password"
) -> dict[str, Any]:
    """Sign a person in: a new session with its first refresh token, as the token endpoint's answer.

    `method` is how they proved who they are, in the words of claim `amr`.
    """
    cursor = await connection.execute(
        """
        insert into auth.sessions (id, user_id, aal, user_agent, ip, created_at, updated_at)
        values (%s, %s, 'aal1', %s, %s, now(), now()) returning *
        """,
        (uuid4(), user["id"], request.headers.get("User-Agent"), request.remote),
    )
    session = _required(await cursor.fetchone())
    await connection.execute(
        """
        insert into auth.mfa_amr_claims (id, session_id, authentication_method, created_at, updated_at)
        values (%s, %s, %s, now(), now())
        """,
        (uuid4(), session["id"], method),
    )
    refresh_token = await _new_refresh_token(connection, session, parent=None)
    user = await users.signed_in(connection, user["id"])
    return await _answer(context, connection, user, session, refresh_token)


async def refresh(context: AuthContext, connection: Connection, token: str, request: web.Request) -> dict[str, Any]:
    """Exchange a refresh token. Raises AuthError; what it revoked stays revoked, so the caller has to commit."""
    # The session's row is the lock: two refreshes of one session take turns.
    cursor = await connection.execute(
        """
        select s.* from auth.sessions s
        where s.id = (select session_id from auth.refresh_tokens where token = %s) for update
        """,
        (token,),
    )
    session = await cursor.fetchone()
    cursor = await connection.execute("select * from auth.refresh_tokens where token = %s", (token,))
    used = await cursor.fetchone()
    user = await users.find_by_id(connection, session["user_id"]) if session else None
    if session is None or used is None or user is None:
        raise AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    if users.is_banned(user):
        raise AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
    now = datetime.datetime.now(datetime.UTC)
    _check_age(context, session, used, now)

    issued = None
    if used["revoked"]:
        active = await _active_refresh_token(connection, session)
        reusable_until = used["updated_at"] + datetime.timedelta(seconds=context.settings.refresh_token_reuse_seconds)
        if active is not None and active["parent"] == token:
            issued = active["token"]
        elif active is None or now > reusable_until:
            if context.settings.refresh_token_rotation:
                await _revoke(connection, "session_id = %s", session["id"])
            raise AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    if issued is None:
        await _revoke(connection, "id = %s", used["id"])
        issued = await _new_refresh_token(connection, session, parent=token)
    await connection.execute(
        """
        update auth.sessions set refreshed_at = timezone('utc', now()), updated_at = now(), user_agent = %s, ip = %s
        where id = %s
        """,
        (request.headers.get("User-Agent"), request.remote, session["id"]),
    )
    return await _answer(context, connection, user, session, issued)


def _check_age(context: AuthContext, session: Row, used: Row, now: datetime.datetime) -> None:
    """Raises AuthError `session_expired` for a session that is too old, or was idle for too long."""
    settings = context.settings
    ends = session["not_after"]
    if settings.session_seconds:
        timebox = session["created_at"] + datetime.timedelta(seconds=settings.session_seconds)
        ends = timebox if ends is None else min(ends, timebox)
    if ends is not None and ends < now:
        raise AuthError(400, "session_expired", "Invalid Refresh Token: Session Expired")
    if settings.session_idle_seconds:
        refreshed = session["refreshed_at"]
        last = max(used["updated_at"], refreshed.replace(tzinfo=datetime.UTC) if refreshed else session["created_at"])
        if last + datetime.timedelta(seconds=settings.session_idle_seconds) < now:
            raise AuthError(400, "session_expired", "Invalid Refresh Token: Session Expired (Inactivity)")


async def find(connection: Connection, session_id: UUID) -> Row | None:
    """The session with this id, while it lasts."""
    cursor = await connection.execute("select * from auth.sessions where id = %s", (session_id,))
    return await cursor.fetchone()


async def close_sessions(connection: Connection, user: Row, session: Row | None, scope: LogoutScope) -> None:
    """Sign a person out: this session, all others, or all. Their refresh tokens go with them."""
    if session is not None and scope == "local":
        await connection.execute("delete from auth.sessions where id = %s", (session["id"],))
    elif session is not None and scope == "others":
        await connection.execute(
            "delete from auth.sessions where user_id = %s and id <> %s", (user["id"], session["id"])
        )
    else:
        await connection.execute("delete from auth.sessions where user_id = %s", (user["id"],))


async def _active_refresh_token(connection: Connection, session: Row) -> Row | None:
    """The session's newest refresh token that was not used yet."""
    cursor = await connection.execute(
        "select token, parent from auth.refresh_tokens where session_id = %s and not revoked order by id desc limit 1",
        (session["id"],),
    )
    return await cursor.fetchone()


async def _revoke(connection: Connection, condition: str, value: Any) -> None:
    query = f"update auth.refresh_tokens set revoked = true, updated_at = now() where not revoked and {condition}"  # noqa: S608 (own text)
    await connection.execute(query.encode(), (value,))


async def _new_refresh_token(connection: Connection, session: Row, parent: str | None) -> str:
    token = "".join(secrets.choice(TOKEN_CHARACTERS) for _ in range(TOKEN_LENGTH))
    await connection.execute(
        """
        insert into auth.refresh_tokens (
            instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at
        ) values (%s, %s, %s, %s, %s, false, now(), now())
        """,
        (users.INSTANCE, token, str(session["user_id"]), session["id"], parent),
    )
    return token


async def _answer(
    context: AuthContext, connection: Connection, user: Row, session: Row, refresh_token: str
) -> dict[str, Any]:
    """`{access_token, token_type, expires_in, expires_at, refresh_token, user}`; times in seconds."""
    cursor = await connection.execute(
        """
        select authentication_method, updated_at from auth.mfa_amr_claims where session_id = %s order by updated_at desc
        """,
        (session["id"],),
    )
    methods = await cursor.fetchall()
    issued_at = int(time.time())
    expires_at = issued_at + context.settings.access_token_seconds
    claims = {
        "iss": context.issuer,
        "sub": str(user["id"]),
        "aud": user["aud"],
        "exp": expires_at,
        "iat": issued_at,
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"],
        "aal": session["aal"],
        "amr": [
            {"method": row["authentication_method"], "timestamp": int(row["updated_at"].timestamp())} for row in methods
        ],
        "session_id": str(session["id"]),
        "is_anonymous": user["is_anonymous"],
    }
    return {
        "access_token": context.signer.sign(claims),
        "token_type": "bearer",
        "expires_in": context.settings.access_token_seconds,
        "expires_at": expires_at,
        "refresh_token": refresh_token,
        "user": await users.to_json(connection, user),
    }


def _required(row: Row | None) -> Row:
    if row is None:
        raise LookupError("an insert returned no row")
    return row
