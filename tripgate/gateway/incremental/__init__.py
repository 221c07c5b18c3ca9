"""Answers in parts: `@defer`."""
