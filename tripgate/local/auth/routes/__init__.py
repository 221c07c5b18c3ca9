"""One module for each group of endpoints; each offers `routes`."""
