"""`tripgate jobs`: what operators see of the database's tasks (docs/jobs.md), and what they can do about them."""
