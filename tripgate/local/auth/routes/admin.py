"""People as an administrator manages them: /admin/users and POST /invite. Service role only.

Source: supabase/auth, internal/api/admin.go, invite.go and pagination.go.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg
from aiohttp import web
from psycopg.types.json import Jsonb

from tripgate.local.auth import bodies, caller, links, mailer, one_time_tokens, passwords, phones, sessions, users
from tripgate.local.auth.answers import json_response
from tripgate.local.auth.context import context
from tripgate.local.auth.errors import AuthError, of_database, unforeseen
from tripgate.local.auth.one_time_tokens import Kind
from tripgate.local.auth.routes.signup import create, required_email
from tripgate.local.auth.routes.user import set_password
from tripgate.local.auth.settings import seconds

if TYPE_CHECKING:
    from tripgate.local.auth.context import Connection, Row
    from tripgate.local.auth.settings import AuthSettings

routes = web.RouteTableDef()
PER_PAGE = 50
BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
# The largest number that Postgres counts rows by.
LARGEST = 2**63 - 1
EMAIL_EXISTS = "A user with this email address has already been registered"


@routes.get("/admin/users")
async def list_users(request: web.Request) -> web.Response:
    """Takes `page`, `per_page` and `filter` (part of an address or name); newest first."""
    auth = context(request)
    caller.require_admin(auth, request)
    order = _order(request)
    page, per_page = _whole_number(request, "page", 1), _whole_number(request, "per_page", PER_PAGE)
    if per_page == 0:
        raise AuthError(500, "unexpected_failure", "Internal Server Error")
    wanted = request.query.get("filter", "").replace("\0", "")
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", wanted) + "%"
    where = """
        instance_id = %s and aud = %s
        and (%s = '' or email like %s or raw_user_meta_data ->> 'full_name' ilike %s)
    """
    values = (users.INSTANCE, users.AUDIENCE, wanted, pattern, pattern)
    async with auth.pool.connection() as connection:
        count = await connection.execute(f"select count(*) as total from auth.users where {where}".encode(), values)  # noqa: S608 (own text)
        total = (await count.fetchone() or {"total": 0})["total"]
        found = await connection.execute(
            f"select * from auth.users where {where} order by created_at {order}, id limit %s offset %s".encode(),  # noqa: S608 (own text)
            (*values, min(per_page, LARGEST), min(max(page - 1, 0) * per_page, LARGEST)),
        )
        shown = [await users.to_json(connection, user) for user in await found.fetchall()]
    pages = -(-total // per_page)
    links_ = [("next", page + 1)] if pages > page else []
    header = ", ".join(
        f'</admin/users?{urlencode({**request.query, "page": number, "per_page": per_page})}>; rel="{rel}"'
        for rel, number in [*links_, ("last", pages)]
    )
    return json_response({"users": shown, "aud": users.AUDIENCE}, headers={"X-Total-Count": str(total), "Link": header})


@routes.post("/admin/users")
async def create_user(request: web.Request) -> web.Response:
    """Takes address, password or its hash, metadata, and whether the address counts as confirmed."""
    auth = context(request)
    caller.require_admin(auth, request)
    body = await bodies.read(request, bodies.AdminUserBody)
    if not body.email and not body.phone:
        message = "Cannot create a user without either an email or phone"
        raise AuthError(400, "validation_failed", message)
    email = required_email(body.email) if body.email else ""
    async with auth.pool.connection() as connection:
        if email and await users.find_by_email(connection, email):
            raise AuthError(422, "email_exists", EMAIL_EXISTS)
    _refuse_phone(body.phone)
    if body.password is not None and body.password_hash:
        raise AuthError(400, "validation_failed", "Only a password or a password hash should be provided")
    hashed = await _hash(auth.settings, body)
    user_id = _new_id(body.id) if body.id else None
    until = _banned_until(body.ban_duration)
    async with auth.pool.connection() as connection:
        user = await create(
            connection,
            email,
            # A password that nobody knows, as GoTrue makes one.
            hashed or await passwords.hash_password(auth.settings, passwords.unknown(auth.settings)),
            body.user_metadata or {},
            app_metadata=body.app_metadata,
            user_id=user_id,
            role=body.role or users.ROLE,
        )
        if body.email_confirm:
            user = await users.confirm_email(connection, user["id"])
        user = await users.update(connection, user["id"], banned_until=until)
        # Which the platform does not read again.
        return json_response(await users.to_json(connection, {**user, "confirmed_at": None}))


@routes.get("/admin/users/{id}")
async def read_user(request: web.Request) -> web.Response:
    """One person."""
    auth = context(request)
    caller.require_admin(auth, request)
    async with auth.pool.connection() as connection:
        return json_response(await users.to_json(connection, await find_user(connection, request)))


@routes.put("/admin/users/{id}")
async def update_user(request: web.Request) -> web.Response:
    """Takes what POST /admin/users takes; absent means unchanged. A new password ends all sessions."""
    auth = context(request)
    caller.require_admin(auth, request)
    async with auth.pool.connection() as connection:
        user = await find_user(connection, request)
    body = await bodies.read(request, bodies.AdminUserBody)
    email = required_email(body.email) if body.email else ""
    _refuse_phone(body.phone)
    until = _banned_until(body.ban_duration)
    hashed, confirmed_before = None, user["confirmed_at"]
    if body.password is not None:
        passwords.check_strength(auth.settings, body.password)
        hashed = await passwords.hash_password(auth.settings, body.password)
    async with auth.pool.connection() as connection:
        if hashed:
            user = await set_password(connection, user, hashed, keep=None)
        if email:
            try:
                user = await users.set_email(connection, user, email, verified=body.email_confirm)
            except psycopg.errors.UniqueViolation as error:
                raise of_database(error, "Error updating user") from error
        if body.email_confirm:
            user = await users.confirm_email(connection, user["id"])
        changes = {
            "raw_user_meta_data": body.user_metadata and users.merged(user["raw_user_meta_data"], body.user_metadata),
            "raw_app_meta_data": body.app_metadata and users.merged(user["raw_app_meta_data"], body.app_metadata),
            "role": body.role or None,
        }
        user = await users.update_metadata(
            connection, user["id"], **{column: value for column, value in changes.items() if value}
        )
        if body.ban_duration:
            user = await users.update(connection, user["id"], banned_until=until)
        return json_response(await users.to_json(connection, {**user, "confirmed_at": confirmed_before}))


@routes.delete("/admin/users/{id}")
async def delete_user(request: web.Request) -> web.Response:
    """Takes `should_soft_delete`: the row stays, with nothing in it that tells who it was."""
    auth = context(request)
    caller.require_admin(auth, request)
    async with auth.pool.connection() as connection:
        user = await find_user(connection, request)
    body = bodies.AdminDeleteBody()
    if await request.read():
        body = await bodies.read(request, bodies.AdminDeleteBody)
    async with auth.pool.connection() as connection:
        if not body.should_soft_delete:
            await connection.execute("delete from auth.users where id = %s", (user["id"],))
        elif user["deleted_at"] is None:
            await _soft_delete(connection, user)
    return json_response({})


async def _soft_delete(connection: Connection, user: Row) -> None:
    await sessions.close_sessions(connection, user, None, "global")
    await one_time_tokens.forget_all(connection, user["id"])
    await connection.execute("delete from auth.identities where user_id = %s", (user["id"],))
    disguise = base64.urlsafe_b64encode(hashlib.sha256(f"{user['id']}{user['email']}".encode()).digest())
    await users.update(
        connection,
        user["id"],
        **{kind.column: "" for kind in Kind},
        email=disguise.rstrip(b"=").decode() if user["email"] else None,
        email_change="",
        encrypted_password="",
        raw_user_meta_data=Jsonb({}),
        raw_app_meta_data=Jsonb({}),
        deleted_at=datetime.datetime.now(datetime.UTC),
    )


@routes.post("/invite")
async def invite(request: web.Request) -> web.Response:
    """Makes an account without a password and mails its owner a link."""
    auth = context(request)
    caller.require_admin(auth, request)
    body = await bodies.read(request, bodies.InviteBody)
    email = required_email(body.email)
    async with auth.pool.connection() as connection:
        user = await invited(connection, email, body.data)
        mail = await mailer.invitation(auth, connection, user, links.application_url(auth, request))
        shown = await users.to_json(connection, await users.update(connection, user["id"]))
    auth.send(mail)
    return json_response(shown)


async def invited(connection: Connection, email: str, data: dict[str, object]) -> Row:
    """Who is invited, new or not yet confirmed. Raises AuthError `email_exists` for a confirmed person."""
    user = await users.find_by_email(connection, email)
    if user is not None and user["email_confirmed_at"] is not None:
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    if user is None:
        user = await create(connection, email, "", data)
    return await users.update(connection, user["id"], invited_at=datetime.datetime.now(datetime.UTC))


async def find_user(connection: Connection, request: web.Request) -> Row:
    """Whom the path names. Raises AuthError `validation_failed` for no UUID, `user_not_found` for nobody's."""
    try:
        user_id = UUID(request.match_info["id"])
    except ValueError as error:
        raise AuthError(404, "validation_failed", "user_id must be an UUID") from error
    user = await users.find_by_id(connection, user_id)
    if user is None:
        raise AuthError(404, "user_not_found", "User not found")
    return user


def _new_id(text: str) -> UUID:
    try:
        user_id = UUID(text)
    except ValueError as error:
        raise AuthError(400, "validation_failed", "ID must conform to the uuid v4 format") from error
    if not user_id.int:
        raise AuthError(400, "validation_failed", "ID cannot be a nil uuid")
    return user_id


async def _hash(settings: AuthSettings, body: bodies.AdminUserBody) -> str | None:
    """The hash of a new account's password, which an administrator may choose as weak as they like."""
    if body.password:
        if len(body.password.encode(errors="replace")) > passwords.MAX_BYTES:
            raise unforeseen()
        return await passwords.hash_password(settings, body.password)
    if body.password_hash and not BCRYPT.fullmatch(body.password_hash):
        raise AuthError(500, "unexpected_failure", "Error creating user", error_id=uuid4())
    return body.password_hash or None


def _refuse_phone(phone: str) -> None:
    if phone:
        phones.check(phone)
        raise AuthError(400, "phone_provider_disabled", "Phone accounts are disabled")


def _order(request: web.Request) -> str:
    """The direction that `sort` asks for, as `created_at` or `created_at asc`."""
    field, _, direction = request.query.get("sort", "").partition(" ")
    if field not in {"", "created_at"}:
        raise AuthError(400, "validation_failed", f"Bad Sort Parameters: bad field for sort '{field}'")
    if direction.lower() not in {"", "asc", "desc"}:
        raise AuthError(400, "validation_failed", f"Bad Sort Parameters: bad direction for sort '{direction}'")
    return "asc" if direction.lower() == "asc" else "desc"


def _banned_until(duration: str) -> datetime.datetime | None:
    """The end of a ban, or None for no ban. Raises AuthError `validation_failed`."""
    if duration in {"", "none"}:
        return None
    length = seconds(duration)
    if length is None:
        message = f'invalid format for ban duration: time: invalid duration "{duration}"'
        raise AuthError(400, "validation_failed", message)
    try:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=length)
    except OverflowError as error:
        raise AuthError(400, "validation_failed", "invalid format for ban duration: too long") from error


def _whole_number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) >= 2**64:
        raise AuthError(400, "validation_failed", f"Bad Pagination Parameters: {name} must be a whole number")
    return int(text)
