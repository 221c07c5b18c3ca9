"""Documents that a request names instead of sending: trusted ones from a manifest, and automatically persisted ones.

A manifest is what the client's build writes, `{"<hash>": "<document>"}`, as graphql-codegen and the Relay compiler do;
that of Apollo's manifest generator is read as well. Automatic persisted queries follow Apollo's protocol: a client
sends a document's SHA-256 alone, is told PERSISTED_QUERY_NOT_FOUND, and sends both once.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson
from cachetools import LRUCache
from graphql import GraphQLError, OperationDefinitionNode, parse

from gql.errors import ErrorCode
from tripgate.gateway.operation import RequestError
from tripgate.gateway.settings import SettingsError

_APOLLO = "apollo-persisted-query-manifest"


class Named(Protocol):
    """What a request says of its document.

    Attributes:
        query: The document; empty where the request only names one.
        document_id: Its key in the manifest, or `sha256:` and the digest of its text in lower-case hexadecimal digits.
        sha256: That digest, as automatic persisted queries have it.
    """

    @property
    def query(self) -> str: ...
    @property
    def document_id(self) -> str | None: ...
    @property
    def sha256(self) -> str | None: ...


class SharedDocuments(Protocol):
    """The documents of the gateways beside this one, by digest."""

    async def get(self, key: str) -> str | None:
        """The document of this digest; `None` where no gateway has stored it."""

    async def put(self, key: str, text: str) -> None:
        """Store a document, so that the other gateways find it."""


class PersistedDocuments:
    """Finds the documents of requests.

    Args:
        trusted: The manifest: documents by their ids.
        only_trusted: Whether every other document is refused.
        size: Characters of automatically persisted documents that are kept; 0 switches these off.
        shared: Where the gateways beside this one find those, and this one theirs; `None` for one that stands alone.

    Attributes:
        only_trusted: So that even a request that sends its document and names none must be looked at.
    """

    def __init__(
        self,
        trusted: Mapping[str, str],
        *,
        only_trusted: bool,
        size: int,
        shared: SharedDocuments | None = None,
    ) -> None:
        self.only_trusted = only_trusted
        self._by_digest = {digest_of(text): text for text in trusted.values()}
        self._by_id = {**{f"sha256:{digest}": text for digest, text in self._by_digest.items()}, **trusted}
        self._trusted = frozenset(trusted.values())
        self._size = 0 if only_trusted else size
        self._automatic: LRUCache[str, str] = LRUCache(maxsize=self._size, getsizeof=len)
        self._shared = shared if self._size else None

    def text(self, request: Named) -> str:
        """The document that a request sends or names.

        Raises:
            RequestError: It names none that is known here, or sends one that is not trusted.
        """
        if request.document_id is not None:
            found = self._by_id.get(request.document_id)
            if found is None:
                raise _refused(ErrorCode.DOCUMENT_NOT_FOUND, "No document of this `documentId` is known here.")
            return found
        digest = request.sha256
        if digest is None or request.query:
            return self._sent(request.query)
        # A build that names documents by another hash sends that in the place of the digest.
        found = self._by_digest.get(digest) or self._by_id.get(digest) or self._automatic.get(digest)
        if found is not None:
            return found
        # The messages are the protocol's: clients compare them.
        if not self._size and not self._trusted:
            raise _refused(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        raise _refused(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")

    def _sent(self, query: str) -> str:
        if self.only_trusted and query not in self._trusted:
            raise _refused(
                ErrorCode.DOCUMENT_NOT_TRUSTED, "Only documents of the manifest are answered here; name one by its id."
            )
        return query

    def put(self, digest: str, query: str) -> None:
        """Remember a document that has been found valid, under its digest."""
        if len(query) <= self._size and digest not in self._automatic:
            self._automatic[digest] = query

    async def seek(self, request: Named) -> None:
        """Learn the document that a request names by its digest from the gateways beside this one."""
        digest = request.sha256
        if (
            self._shared is None
            or digest is None
            or request.query
            or digest in self._automatic
            or digest in self._by_digest
        ):
            return
        found = await self._shared.get(digest)
        if found is not None and digest_of(found) == digest:
            self.put(digest, found)

    async def share(self, request: Named) -> None:
        """Let the gateways beside this one know a document that has been found valid here."""
        if (
            self._shared is not None
            and request.sha256 is not None
            and request.sha256 in self._automatic
            and request.query
        ):
            await self._shared.put(request.sha256, request.query)


def read_manifest(path: Path | None, check: Callable[[str], object]) -> dict[str, str]:
    """The documents of a manifest, by id.

    Args:
        path: The file; without one there are none.
        check: Raises RequestError for a document that does not fit the schema.

    Raises:
        SettingsError: It cannot be read, is no manifest, or one of its documents does not fit.
    """
    if path is None:
        return {}
    try:
        documents = _documents(orjson.loads(path.read_bytes()))
    except (OSError, orjson.JSONDecodeError) as error:
        raise SettingsError(f"TRIPGATE_TRUSTED_DOCUMENTS: {path} cannot be read: {error}.") from None
    if documents is None:
        raise SettingsError(
            f"TRIPGATE_TRUSTED_DOCUMENTS: {path} is no manifest; "
            'it must be JSON of the form {"<hash>": "<document>"}, as graphql-codegen writes it.'
        )
    problems = [f"document {id_!r}: {problem}" for id_, text in documents.items() if (problem := _problem(text, check))]
    if problems:
        raise SettingsError("\n".join(f"TRIPGATE_TRUSTED_DOCUMENTS: {problem}" for problem in problems))
    return documents


def _documents(found: Any) -> dict[str, str] | None:
    if isinstance(found, dict) and found.get("format") == _APOLLO:
        operations = found.get("operations")
        if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
            return None
        found = {each.get("id"): each.get("body") for each in operations}
    if not isinstance(found, dict):
        return None
    texts = all(isinstance(id_, str) and id_ and isinstance(text, str) for id_, text in found.items())
    return found if texts else None


def _problem(text: str, check: Callable[[str], object]) -> str | None:
    """What is wrong with a document, in words."""
    try:
        check(text)
    except RequestError as error:
        several = error.code is ErrorCode.OPERATION_RESOLUTION_FAILURE and any(
            isinstance(node, OperationDefinitionNode) for node in parse(text).definitions
        )
        return None if several else "; ".join(each.message for each in error.errors)
    return None


def digest_of(text: str) -> str:
    """The SHA-256 of a document, in lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _refused(code: ErrorCode, message: str) -> RequestError:
    return RequestError(code, [GraphQLError(message)])
