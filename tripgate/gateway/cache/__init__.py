"""Answers kept for the person they were made for, for those who want that: docs/caching.md."""
