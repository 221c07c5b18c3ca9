"""Pages for browsers: where one starts, and GraphiQL."""
