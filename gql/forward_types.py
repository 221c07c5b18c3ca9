"""Types by name, worked out when the schema is built, so that declarations may refer to each other in any order."""

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional, cast

from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import UNRESOLVED, FieldType, StrawberryField


class NotYetDeclaredError(LookupError):
    """A type was asked for by name before its class was declared."""


def object_type(name: str) -> type:
    """The Strawberry class that `@table` made of the type `name`."""
    try:
        return _object_types[name]
    except KeyError:
        raise NotYetDeclaredError(name) from None


def declare_object_type(name: str, made: type) -> None:
    """Make a class known by the name of its type."""
    _object_types[name] = made


_object_types: dict[str, type] = {}


def optional(annotation: Any) -> Any:
    """The annotation or null, for types that exist only at run time."""
    return Optional[annotation]  # noqa: UP045 - `|` is not defined for every annotation


def list_of(annotation: Any) -> Any:
    """A list of the annotation, for types that exist only at run time."""
    return types.GenericAlias(list, (annotation,))


@functools.cache
def annotated(annotation: Any) -> StrawberryAnnotation:
    """The annotation as Strawberry takes it, resolved once: most fields and arguments have one that others have too."""
    return StrawberryAnnotation(annotation)


@contextmanager
def defining() -> Iterator[None]:
    """While a class is made: Strawberry asks for its fields' types, and gets them when the schema is built.

    Otherwise one type would make the next one before it is made itself, so that a chain of relations as long as a
    schema has tables would end in a RecursionError.
    """
    global _defining  # noqa: PLW0603 - one program makes its types one after the other
    _defining += 1
    try:
        yield
    finally:
        _defining -= 1


_defining = 0


class LateField(StrawberryField):
    """A field whose type and arguments are worked out when the schema is built, once every type is declared."""

    def __init__(
        self,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]] = list,
        **kwargs: Any,
    ) -> None:
        # Strawberry insists on an annotation when the class is made; `resolve_type` answers in its place.
        super().__init__(type_annotation=StrawberryAnnotation(Any), **kwargs)
        self._make_type = make_type
        self._make_arguments = make_arguments
        self._resolved: FieldType | None = None

    def resolve_type(self, *, type_definition: StrawberryObjectDefinition | None = None) -> FieldType:  # noqa: ARG002
        """The field's type; Strawberry's `UNRESOLVED` while the types that it needs are still being declared."""
        # Strawberry asks a dozen times for each field while it builds the schema.
        if self._resolved is None:
            if _defining:
                return UNRESOLVED  # type: ignore[return-value]
            try:
                self._resolved = self.made_type()
            except NotYetDeclaredError:
                return UNRESOLVED  # type: ignore[return-value]
        return self._resolved

    @property
    def type(self) -> FieldType:
        """The same, without a call more once it is known."""
        return self.resolve_type() if self._resolved is None else self._resolved

    @type.setter  # noqa: A003 - Strawberry's name for it
    def type(self, value: Any) -> None:
        self.type_annotation = StrawberryAnnotation(value)

    def made_type(self) -> FieldType:
        """The field's type, made now.

        Raises:
            NotYetDeclaredError: It takes a type that is still being declared.
        """
        return cast(FieldType, annotated(self._make_type()).resolve())

    @property
    def arguments(self) -> list[StrawberryArgument]:
        """The field's arguments, made now."""
        if self._arguments is None:
            self._arguments = self._make_arguments()
        return self._arguments

    @arguments.setter
    def arguments(self, value: list[StrawberryArgument]) -> None:
        self._arguments = value
