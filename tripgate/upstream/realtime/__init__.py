"""Changes as they happen: a Phoenix-channel client, and the relay that shares its channels among subscribers."""
