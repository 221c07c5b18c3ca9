"""Live changes measured: a thousand subscribers on one gateway process, from the commit to each client."""
