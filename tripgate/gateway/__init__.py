"""The server: HTTP, settings, identity, and the schema with its executor."""
