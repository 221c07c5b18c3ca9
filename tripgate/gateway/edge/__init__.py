"""What is decided of a request before any of it runs: media types, bodies, origins, whose document it is."""
