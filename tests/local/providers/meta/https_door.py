"""A door that speaks HTTPS before a port that does not, with a certificate of its own for `localhost`."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def certificates(folder: Path) -> tuple[Path, Path]:
    """Files of an authority, to be trusted, and of a certificate that it gave, with its key."""
    now = datetime.datetime.now(datetime.UTC)

    def made(
        name: str, key: ec.EllipticCurvePrivateKey, by: tuple[str, ec.EllipticCurvePrivateKey], *, authority: bool
    ) -> x509.Certificate:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, by[0]))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(by[1], hashes.SHA256())
        )

    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = made("tests", root, ("tests", root), authority=True)
    certificate = made("localhost", own, ("tests", root), authority=False)
    pem = serialization.Encoding.PEM
    trusted, shown = folder / "authority.pem", folder / "localhost.pem"
    trusted.write_bytes(authority.public_bytes(pem))
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shown.write_bytes(key + certificate.public_bytes(pem))
    return trusted, shown


@contextlib.asynccontextmanager
async def https_door(port: int, shown: Path) -> AsyncIterator[int]:
    """Lead to this port of the machine; the door's own."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown)

    async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def led(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copied(reader, back), copied(there, writer))

    server = await asyncio.start_server(led, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
