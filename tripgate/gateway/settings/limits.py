"""How much one request may ask for."""

from pydantic import BaseModel, Field

from tripgate.gateway.limits.bounds import Limits, PageSizes

_DEFAULTS = Limits()


class LimitSettings(BaseModel):
    """Each is refused with an error code of docs/errors.md; docs/limits.md says what counts."""

    max_page_size: int = Field(default=100, ge=1, le=10_000, description="The largest `first`, `last` and input list.")
    max_body_bytes: int = Field(
        default=256 * 1024, ge=1024, description="The largest request body and WebSocket message, in bytes."
    )
    max_document_length: int = Field(
        default=_DEFAULTS.length, ge=1024, description="The most characters in a document."
    )
    max_tokens: int = Field(default=_DEFAULTS.tokens, ge=100, description="The most tokens in a document.")
    max_depth: int = Field(default=_DEFAULTS.depth, ge=2, le=100, description="The most fields inside each other.")
    max_selections: int = Field(
        default=_DEFAULTS.selections,
        ge=10,
        description="The most fields and fragments in a document, fragments expanded.",
    )
    max_root_fields: int = Field(default=_DEFAULTS.root_fields, ge=1, description="The most root fields.")
    max_aliases: int = Field(default=_DEFAULTS.aliases, ge=0, description="The most aliases, fragments expanded.")
    max_directives: int = Field(
        default=_DEFAULTS.directives, ge=0, description="The most directives, fragments expanded."
    )
    max_introspection_depth: int = Field(
        default=_DEFAULTS.introspection_depth,
        ge=2,
        le=100,
        description="The most fields inside each other below `__schema` and `__type`.",
    )
    max_introspection_lists: int = Field(
        default=_DEFAULTS.introspection_lists,
        ge=1,
        le=10,
        description="The most lists inside each other below `__schema` and `__type`.",
    )
    max_introspection_selections: int = Field(
        default=_DEFAULTS.introspection_selections,
        ge=10,
        description="The most fields and fragments below `__schema` and `__type`, fragments expanded.",
    )
    max_input_depth: int = Field(
        default=_DEFAULTS.input_depth,
        ge=5,
        le=100,
        description="The most objects and lists inside each other in an argument or a variable.",
    )
    max_input_list: int = Field(
        default=_DEFAULTS.input_list, ge=10, description="The longest list in an argument or a variable."
    )
    max_input_values: int = Field(
        default=_DEFAULTS.input_values,
        ge=100,
        description="The most values in an operation's arguments and variables, each as often as it is used.",
    )
    max_conditions: int = Field(
        default=_DEFAULTS.conditions,
        ge=10,
        le=10_000,
        description="The most conditions in the filters and cursors of an operation.",
    )
    max_validation_errors: int = Field(
        default=_DEFAULTS.validation_errors, ge=1, le=100, description="The most mistakes told of one document."
    )
    max_cost: int = Field(default=_DEFAULTS.cost, ge=100, description="The most that one request may cost.")

    @property
    def limits(self) -> Limits:
        """The limits of one document and its variables."""
        return Limits(
            length=self.max_document_length,
            tokens=self.max_tokens,
            depth=self.max_depth,
            selections=self.max_selections,
            root_fields=self.max_root_fields,
            aliases=self.max_aliases,
            directives=self.max_directives,
            introspection_depth=self.max_introspection_depth,
            introspection_lists=self.max_introspection_lists,
            introspection_selections=self.max_introspection_selections,
            input_depth=self.max_input_depth,
            input_list=self.max_input_list,
            input_values=self.max_input_values,
            conditions=self.max_conditions,
            validation_errors=self.max_validation_errors,
            cost=self.max_cost,
            pages=PageSizes(largest=self.max_page_size),
        )
