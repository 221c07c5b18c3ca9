"""What a signed-in person gets: a token that the gateway can verify, every table, and nobody else's rows."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import jwt

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode
from gql.schemas import bare, schema_of
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.function_calls import never_seen
from tripgate.commands.doctor.probe import Probe, shown
from tripgate.commands.doctor.report import Finding, failure, listed, ok
from tripgate.gateway.identity import Identity
from tripgate.gateway.settings import Settings
from tripgate.upstream.auth import AuthClient
from tripgate.upstream.caller import Caller
from tripgate.upstream.jwks import JwksCache
from tripgate.upstream.resilience.policy import Policy

_SKEW = 5


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody's session, to look with."""

    caller: Caller
    token: str
    user_id: str


async def sign_in(http: httpx.AsyncClient, settings: Settings, email: str, password: str) -> SignedIn | Finding:
    """Begin a session; a finding where that fails."""
    try:
        account = await _client(http, settings).sign_in(email, password)
    except ApiError as error:
        if error.code is ErrorCode.UPSTREAM_UNAVAILABLE:
            return failure("Auth could not sign the account in.", "Look into the project's Auth logs.")
        return failure(f"Signing in as {email} fails: {error.message}", "Check the account that the doctor was given.")
    except ValueError:  # pydantic's, for an answer of another form
        return failure(f"Signing in as {email} is not answered as Auth does.", "Does SUPABASE_URL lead to a Supabase?")
    if account.session is None:
        return failure(f"Signing in as {email} begins no session.", "Look into the project's Auth logs.")
    token = account.session.access_token
    return SignedIn(Caller(account.user_id, token, email=account.email), token, account.user_id)


async def sign_out(http: httpx.AsyncClient, settings: Settings, signed_in: SignedIn) -> None:
    """End the session that was begun for the look; one that cannot be ended runs out by itself."""
    try:
        await _client(http, settings).sign_out(signed_in.caller)
    except ApiError:
        return


def _client(http: httpx.AsyncClient, settings: Settings) -> AuthClient:
    api_key = settings.supabase_publishable_key.get_secret_value()
    return AuthClient(http, settings.auth_url, api_key, Policy("auth", settings.policy))


async def token(probe: Probe, settings: Settings, signed_in: SignedIn) -> list[Finding]:
    """Whether the gateway will take this project's tokens: algorithm, issuer, audience, role, times, signature."""
    try:
        algorithm = jwt.get_unverified_header(signed_in.token).get("alg")
        claims: dict[str, Any] = jwt.decode(signed_in.token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return [failure("What Auth gives as an access token is no JWT.", "Does SUPABASE_URL lead to a Supabase?")]
    secret = settings.supabase_jwt_secret
    findings = []
    if algorithm == "HS256" and secret is None:
        findings.append(
            failure("Tokens are signed with HS256, and SUPABASE_JWT_SECRET is not set.", "Set it to the legacy secret.")
        )
    elif algorithm not in {"ES256", "RS256", "HS256"}:
        findings.append(failure(f"Tokens are signed with {algorithm}.", "Tripgate takes ES256, RS256 and HS256."))
    if claims.get("iss") != settings.auth_url:
        findings.append(
            failure(
                f"Tokens name the issuer {claims.get('iss')}, and the gateway expects {shown(settings.auth_url)}.",
                "Set SUPABASE_URL to the address that Auth knows itself by.",
            )
        )
    audience = claims.get("aud")
    if "authenticated" not in (audience if isinstance(audience, list) else [audience]):
        findings.append(
            failure(f"Tokens are for audience {audience}, not authenticated.", "Set it so in Auth's settings.")
        )
    if claims.get("role") != "authenticated":
        findings.append(
            failure(f"The account's role is {claims.get('role')}, not authenticated.", "Use a plain account.")
        )
    if (late := claims.get("iat", 0) - time.time()) > _SKEW:
        findings.append(
            failure(
                f"This machine's clock is {late:.0f} s behind the project's.", "Set it, best by NTP: times are checked."
            )
        )
    if findings:
        return findings
    identity = Identity(
        JwksCache(probe.session, f"{settings.auth_url}/.well-known/jwks.json", timeout=probe.deadline),
        issuer=settings.auth_url,
        api_key=probe.api_key,
        jwt_secret=secret.get_secret_value() if secret is not None else None,
    )
    try:
        await identity.caller(f"Bearer {signed_in.token}")
    except ApiError as error:
        advice = (
            "Is SUPABASE_JWT_SECRET the secret of this project?"
            if algorithm == "HS256"
            else "Do SUPABASE_URL and the account belong to the same project?"
        )
        return [failure(f"The token's signature does not verify: {error.message}", advice)]
    return [ok(f"A token verifies: {algorithm}, issuer {shown(settings.auth_url)}, audience authenticated.")]


async def rows(data: Data, signed_in: SignedIn) -> list[Finding]:
    """Whether the account sees rows that no policy shows to it.

    Raises:
        UnreachedError: Nobody answers.
    """
    me, email = signed_in.user_id, quote((signed_in.caller.email or "").lower(), safe="")
    asked = never_seen()
    answers = await asyncio.gather(
        *(
            data.ask(f"{bare(table)}?{query.format(me=me, email=email)}&limit=1", schema=schema_of(table))
            for table, query in asked.items()
        )
    )
    found = dict(zip(asked, answers, strict=True))
    leaking = [table for table, answer in found.items() if answer.status < 300 and answer.data]
    unread = [table for table, answer in found.items() if answer.status >= 300]
    findings = []
    if leaking:
        findings.append(
            failure(
                f"This account sees rows of strangers in {listed(leaking)}.",
                "Row level security is off or a policy is too wide there: push the migrations, remove other policies.",
            )
        )
    if unread:
        messages = listed(sorted({found[table].message for table in unread}))
        findings.append(failure(f"Whose rows are shown could not be seen for {listed(unread)}: {messages}.", ""))
    findings += await _profile(data, me)
    return findings or [ok("It sees its own rows and those that others share with it, and no stranger's.")]


async def _profile(data: Data, me: str) -> list[Finding]:
    """Whether the account has the row that stands for its person."""
    of_person = catalog.scopes.of_person
    if of_person is None:
        return []
    people = catalog[of_person.root]
    path = f"{people.bare_name}?select={people.primary_key}&{people.primary_key}=eq.{me}"
    own = await data.ask(path, schema=people.schema)
    if own.status >= 300 or own.data:
        return []
    return [
        failure(
            "This account has no profile, or may not see it.",
            "Trigger on_auth_user_created makes one at sign-up; older accounts need one made for them.",
        )
    ]
