"""The project's front: is SUPABASE_URL a Supabase, does it know the key, and how does it sign tokens?"""

import time
from typing import Any
from urllib.parse import urlsplit

import jwt

from tripgate.commands.doctor.probe import Answer, Probe
from tripgate.commands.doctor.report import Finding, failure, note, ok, warning
from tripgate.gateway.settings import Settings

_HERE = {"localhost", "127.0.0.1", "::1", "[::1]"}
_PAUSED = 540
_KEYS_PAGE = "Take the publishable key from the project's API settings and set SUPABASE_PUBLISHABLE_KEY to it."
_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}


async def address(probe: Probe, settings: Settings) -> list[Finding]:
    """Whether SUPABASE_URL leads to a Supabase. Anything wrong here makes further looks pointless.

    Raises:
        UnreachedError: Nobody answers there.
    """
    findings = []
    url = urlsplit(settings.project_url)
    if url.scheme == "http" and url.hostname not in _HERE:
        findings.append(
            warning("SUPABASE_URL begins with http://, so tokens travel in the clear.", "Set it to https://….")
        )
    answer = await probe.ask(f"{settings.auth_url}/health", variable="SUPABASE_URL")
    return [*findings, _supabase(answer, url.netloc.rpartition("@")[2])]


def _supabase(answer: Answer, place: str) -> Finding:
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.status == 200 and data.get("name") == "GoTrue":
        return ok(f"{place} is a Supabase; Auth {data.get('version', '')} answers.")
    if answer.refuses_the_key:
        return _refused_key(answer)
    if 300 <= answer.status < 400:
        target = urlsplit(answer.location)
        return failure(
            f"{place} redirects to {target.scheme}://{target.netloc}.", "Set SUPABASE_URL to where the project lives."
        )
    if answer.status == _PAUSED:
        return failure("The project is paused.", "Restore it in the dashboard.")
    if answer.status >= 500:
        return failure(
            f"{place} answers, but its Auth does not (HTTP status {answer.status}).",
            "Is the project running and whole?",
        )
    return failure(
        f"{place} answers, but it is no Supabase: its /auth/v1/health is not Auth's (HTTP status {answer.status}).",
        "Set SUPABASE_URL to the project's address, as in https://project.supabase.co.",
    )


async def key(probe: Probe, settings: Settings) -> list[Finding]:
    """Whether the publishable key is of a kind that the gateway may hold, and known to this project.

    Raises:
        UnreachedError: Nobody answers.
    """
    text = settings.supabase_publishable_key.get_secret_value()
    kind, findings = "publishable key", []
    if not text.startswith("sb_publishable_"):
        claims = _claims(text)
        kind = "legacy anon key" if claims else "key"
        findings = _legacy(text, claims, settings) if claims else [_unknown_form()]
    answer = await probe.ask(f"{settings.auth_url}/settings", variable="SUPABASE_URL")
    if answer.refuses_the_key or answer.status in {401, 403}:
        return [*findings, _refused_key(answer)]
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.status != 200 or not isinstance(data.get("external"), dict):
        return [
            *findings,
            failure(f"Auth does not tell its settings: {answer.message}.", "Look into the project's Auth logs."),
        ]
    return [*findings, ok(f"The {kind} is accepted."), *_ways_in(data)]


def _refused_key(answer: Answer) -> Finding:
    return failure(f"The key is not one of this project's: {answer.message}.", _KEYS_PAGE)


def _unknown_form() -> Finding:
    return warning("The key has neither the form of a publishable key nor that of a legacy anon key.", _KEYS_PAGE)


def _legacy(text: str, claims: dict[str, Any], settings: Settings) -> list[Finding]:
    """What a key that is a token says of itself."""
    if claims.get("role") != "anon":
        return [failure(f"The key is a token of role {claims.get('role')}, not of anon.", _KEYS_PAGE)]
    expires = claims.get("exp")
    if isinstance(expires, int | float) and expires < time.time():
        return [failure("The legacy anon key has expired.", _KEYS_PAGE)]
    secret = settings.supabase_jwt_secret
    if secret is not None and jwt.get_unverified_header(text).get("alg") == "HS256":
        try:
            jwt.decode(text, secret.get_secret_value(), algorithms=["HS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            return [
                failure(
                    "SUPABASE_JWT_SECRET is not the secret that signed the legacy anon key.",
                    "Take both from the same project.",
                )
            ]
    return [note("The key is a legacy anon key.", "Publishable keys replace these and can be revoked one by one.")]


def _ways_in(data: dict[str, Any]) -> list[Finding]:
    """What Auth's settings mean for Tripgate's accounts."""
    findings = []
    if not data["external"].get("email"):
        findings.append(
            failure(
                "Signing in by e-mail is switched off, and Tripgate has no other way.", "Enable the e-mail provider."
            )
        )
    if data.get("disable_signup"):
        findings.append(warning("Nobody new can sign up.", "Allow it in Auth's settings, unless that is meant."))
    if data.get("mailer_autoconfirm"):
        findings.append(
            warning(
                "Addresses are not confirmed at sign-up, so anybody can sign up with an address of another's.",
                "Enable `Confirm email` in Auth's settings, in production at least.",
            )
        )
    return findings


async def signing(probe: Probe, settings: Settings) -> list[Finding]:
    """How tokens are signed, and whether the gateway can verify them.

    Raises:
        UnreachedError: Nobody answers.
    """
    answer = await probe.ask(f"{settings.auth_url}/.well-known/jwks.json", variable="SUPABASE_URL")
    keys = answer.data.get("keys") if isinstance(answer.data, dict) else None
    if answer.status != 200 or not isinstance(keys, list):
        return [
            failure(f"Auth does not tell its signing keys: {answer.message}.", "Look into the project's Auth logs.")
        ]
    algorithms = [
        _ALGORITHMS[item["kty"]] for item in keys if isinstance(item, dict) and item.get("kty") in _ALGORITHMS
    ]
    secret = settings.supabase_jwt_secret is not None
    if keys and not algorithms:
        return [failure("None of the signing keys is of a kind that Tripgate knows.", "Sign with ES256 or RS256.")]
    if algorithms and secret:
        return [
            warning(
                f"Tokens are signed with {algorithms[0]}, and SUPABASE_JWT_SECRET lets HS256 tokens in as well.",
                "Unset it once the last of those has expired.",
            )
        ]
    if algorithms:
        return [ok(f"Tokens are signed with {algorithms[0]}, and the public keys are there to verify them.")]
    if secret:
        return [ok("Tokens are signed with the legacy secret, and SUPABASE_JWT_SECRET is set.")]
    return [
        failure(
            "The project has no public signing keys, so it signs with the legacy secret, which is not set here.",
            "Set SUPABASE_JWT_SECRET, or move the project to asymmetric signing keys.",
        )
    ]


def _claims(text: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return claims
