"""How often somebody may ask: per person, per address, per attempt to sign in, and by what it costs. docs/limits.md."""
