"""Caches by document and by variables, bounded by weight, since clients choose what goes into them."""

from collections import deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from cachetools import LRUCache
from graphql import DocumentNode, GraphQLError, Token

from gql.errors import ApiError, ErrorCode

_TOKENS = 100
_CHARACTERS = 16_384

_REFUSALS = 100
_REFUSED_CHARACTERS = 1_000_000

_VARIABLES = 2 * 1024 * 1024
_ONE_SET = 256
_LONGEST_CACHED_VARIABLES = 4096

_SCHEMA_ANSWERS = 8

T = TypeVar("T")


def weight(text: str, document: DocumentNode) -> int:
    """As how many documents one counts: 1, and 1 more for each 100 tokens and each 16,384 characters."""
    tokens = 0
    token: Token | None = document.loc.start_token if document.loc is not None else None
    while token is not None:
        tokens += 1
        token = token.next
    return 1 + tokens // _TOKENS + len(text) // _CHARACTERS


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document is refused; its errors hold neither the document nor frames of a stack."""

    code: ErrorCode
    errors: list[GraphQLError]
    characters: int

    @classmethod
    def of(cls, text: str, code: ErrorCode, errors: list[GraphQLError]) -> "Refusal":
        """The same errors, without what they hold on to."""
        return cls(code, [_light(error) for error in errors], len(text) + sum(len(error.message) for error in errors))


class RefusalCache:
    """The documents refused lately: a hundred at most, and fewer of long ones, so that no flood of them weighs much.

    They are apart from good documents, which they could evict otherwise.
    """

    def __init__(self) -> None:
        self._known: LRUCache[str, Refusal] = LRUCache(maxsize=_REFUSED_CHARACTERS, getsizeof=_share)

    def get(self, text: str) -> Refusal | None:
        """Why this document was refused, if it was."""
        return self._known.get(text)

    def put(self, text: str, refusal: Refusal) -> None:
        """Cache why this document was refused."""
        if _share(refusal) <= _REFUSED_CHARACTERS:
            self._known[text] = refusal

    def __len__(self) -> int:
        return len(self._known)


class VariableSets:
    """Bounds what all operations together cache for their sets of variables. The oldest are evicted first.

    Finding one costs nothing here: only what is new is counted.
    """

    def __init__(self, most: int = _VARIABLES) -> None:
        self._left = most
        self._order: deque[tuple[MutableMapping[bytes, Any], bytes]] = deque()

    def put(self, known: MutableMapping[bytes, T], text: bytes, found: T) -> None:
        """Cache what was made of one set of variables in its operation's own dict."""
        known[text] = found
        self._order.append((known, text))
        self._left -= _ONE_SET + len(text)
        while self._left < 0:
            oldest, text = self._order.popleft()
            oldest.pop(text, None)
            self._left += _ONE_SET + len(text)


class IntrospectionCache(LRUCache[tuple[str, str | None, bytes], T]):
    """The last answers to what was asked of the schema alone, by document, operation and variables.

    Such an answer takes long to make and is large, and depends on nothing else.
    """

    def __init__(self) -> None:
        super().__init__(maxsize=_SCHEMA_ANSWERS)


@dataclass(frozen=True, slots=True)
class OperationCaches:
    """The caches that all operations share.

    Attributes:
        variable_sets: Bounds the sets of variables that each operation caches.
        introspection: Results of what was asked of the schema alone.
    """

    variable_sets: VariableSets = field(default_factory=VariableSets)
    introspection: IntrospectionCache[Any] = field(default_factory=IntrospectionCache)


def text_of(raw: dict[str, Any]) -> bytes | None:
    """The cache key of variables; `None` where they are too long to be cached. Keys are not sorted: that costs more."""
    if not raw:
        return b"{}"
    try:
        text = orjson.dumps(raw)
    except orjson.JSONEncodeError:
        return None
    return text if len(text) <= _LONGEST_CACHED_VARIABLES else None


def _share(refusal: Refusal) -> int:
    return max(refusal.characters, _REFUSED_CHARACTERS // _REFUSALS)


def _light(error: GraphQLError) -> GraphQLError:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    told = None
    if isinstance(original, ApiError):
        told = ApiError(original.code, original.message)
        told.extensions = original.extensions
    light = GraphQLError(error.message, original_error=told)
    light.locations = error.locations
    return light
