"""Cached answers, each for the person it was made for; off unless settings turn it on: docs/caching.md."""
