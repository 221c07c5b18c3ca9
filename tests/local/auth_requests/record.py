"""Prints the table with the answers of a real Auth server: `python -m tests.local.auth_requests.record SECRET URL…`.

Takes the HS256 secret of three servers and their addresses, in the order of the table's settings (see
`test_auth_requests.py`): defaults, with confirmations, closed. They need a mail server that takes everything, no limits
of requests, `GOTRUE_MFA_TOTP_ENROLL_ENABLED=false` and `GOTRUE_SMTP_MAX_FREQUENCY=1ns`. What cannot be
asked stops it.
"""

from __future__ import annotations

import sys

import httpx
import jwt

from tests.local.auth_requests import table
from tests.local.auth_requests.world import Service


def main(secret: str, *urls: str) -> None:
    """Ask every row of its server, and print all lines with the new answers."""
    lines = table.FILE.read_text(encoding="utf-8").splitlines()
    rows = list(table.rows())
    names = list(dict.fromkeys(row.settings for row in rows))
    with httpx.Client(timeout=30) as http:
        services = {
            name: Service(url, lambda claims: jwt.encode(claims, secret, "HS256"), http)
            for name, url in zip(names, urls, strict=True)
        }
        for row in rows:
            instead = f" ≠ {row.instead}" if row.instead else ""
            lines[row.line - 1] = f"{row.request} → {table.shown(table.ask(services[row.settings], row))}{instead}"
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
