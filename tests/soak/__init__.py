"""A long run under load and faults: `make soak`. It is no test of the suite, since it takes ten minutes."""
