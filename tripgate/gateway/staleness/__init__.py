"""What makes an answer stale: the tables that it depends on, and the topics that tell of their changes.

Cached answers and live queries both go by it.
"""
