"""Text → document, within the limits that hold while it is read."""

from graphql import DocumentNode, GraphQLSyntaxError
from graphql.language.parser import Parser

from gql.errors import ErrorCode
from tripgate.gateway.limits.bounds import Limits, exceeded

_TOO_MANY_TOKENS = "Syntax Error: Document contains more than "
"""How graphql-core says it; what it quotes of a document never stands first."""


def bounded_parse(text: str, limits: Limits) -> DocumentNode:
    """Parse a document.

    Raises:
        ApiError: QUERY_TOO_LARGE for too many characters or tokens; QUERY_TOO_DEEP for braces and brackets inside each
            other at which the parser gives up, at a depth that no limit of the settings would allow.
        GraphQLSyntaxError: It is not GraphQL.
    """
    if len(text) > limits.length:
        # Before the first token, since what is skipped between tokens costs time as well.
        raise exceeded(
            ErrorCode.QUERY_TOO_LARGE,
            f"The document is {len(text)} characters long; at most {limits.length} are read.",
            limits.length,
            len(text),
        )
    parser = Parser(text, max_tokens=limits.tokens, allow_empty_selection_sets=False)
    try:
        return parser.parse_document()
    except RecursionError:
        pass  # refused below, without the frames of the recursion
    except GraphQLSyntaxError as error:
        if not error.message.startswith(_TOO_MANY_TOKENS):
            raise
        raise exceeded(
            ErrorCode.QUERY_TOO_LARGE,
            f"The document has more than {limits.tokens} tokens, comments among them. Send a shorter one.",
            limits.tokens,
        ) from None
    raise exceeded(ErrorCode.QUERY_TOO_DEEP, "The document is nested too deeply to be read.", limits.depth)
