"""What frontends use beside a client: code generators and caches, the real ones, over the real gateway."""
