"""Long runs under load, faults and slow statements: `make soak`. No tests of the suite, as each takes minutes."""
