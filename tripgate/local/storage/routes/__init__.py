"""The Storage API's routes, without the prefix `/storage/v1`, which the front door cuts off."""
