"""The GraphQL types and how each maps to its table. No I/O."""
