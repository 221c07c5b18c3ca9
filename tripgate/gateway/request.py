"""What a client asks for, whichever transport it came by: the parameters of a GraphQL request."""

from dataclasses import dataclass
from typing import Any

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.edge.persisted import digest_of
from tripgate.gateway.explain import Explanation


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request.

    Attributes:
        query: The document; empty where the request only names one.
        document_id: The name of its document in the manifest of trusted ones.
        sha256: The digest of its document, for automatic persisted queries.
        explanation: What its answer takes, for a request that asks for it in its `extensions`.
    """

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    explanation: Explanation | None = None
    document_id: str | None = None
    sha256: str | None = None

    @classmethod
    def parse(cls, found: object, *, explains: bool) -> "GraphQLRequest":
        """The request in a decoded JSON body or payload.

        Args:
            explains: Whether a request may ask what its answer takes.

        Raises:
            ApiError: BAD_REQUEST.
        """
        if not isinstance(found, dict):
            raise _bad_request("A request is one JSON object; batches are not taken.")
        query, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
        extensions = found.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise _bad_request("`extensions` must be an object.")
        document_id, sha256 = _named_document(found, extensions)
        if query is None and (document_id or sha256):
            query = ""
        if not isinstance(query, str):
            raise _bad_request("`query` must be a string.")
        if variables is not None and not isinstance(variables, dict):
            raise _bad_request("`variables` must be an object.")
        if name is not None and not isinstance(name, str):
            raise _bad_request("`operationName` must be a string.")
        if query and sha256 is not None and digest_of(query) != sha256:
            raise _bad_request("`sha256Hash` is not the digest of `query`.")
        explain = explains and extensions is not None and extensions.get("explain") is True
        return cls(query, variables or {}, name or None, Explanation() if explain else None, document_id, sha256)


def _named_document(found: dict[str, Any], extensions: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """The `documentId` and the digest by which a request names its document."""
    document_id = found.get("documentId")
    if document_id is not None:
        if not isinstance(document_id, str) or not document_id:
            raise _bad_request("`documentId` must be a string.")
        if found.get("query") is not None:
            raise _bad_request("Send `documentId` or `query`, not both.")
    persisted = extensions.get("persistedQuery") if extensions else None
    if persisted is None:
        return document_id, None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise _bad_request("`extensions.persistedQuery` must be an object of version 1.")
    digest = persisted.get("sha256Hash")
    if not isinstance(digest, str) or not digest:
        raise _bad_request("`sha256Hash` must be a string.")
    return document_id, digest


def _bad_request(message: str) -> ApiError:
    return ApiError(ErrorCode.BAD_REQUEST, message)
