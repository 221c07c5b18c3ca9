"""The one error that the embedded Supabase raises at its callers."""


class LocalStackError(Exception):
    """A part could not be prepared, started or stopped. The message is one sentence or two and says what to do."""
