"""Plans as PostgREST requests: render, execute, classify errors."""
