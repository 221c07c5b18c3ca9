"""Reads as SQL, straight to Postgres under the caller's verified claims; the same policies decide as behind PostgREST.

Nothing here is imported unless a database is configured, so that a gateway over PostgREST does not load libpq.
"""
