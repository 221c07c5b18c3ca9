"""Answers in parts: `@defer` and `@stream`."""
