"""Live queries: answers that are made anew whenever they may have changed."""
