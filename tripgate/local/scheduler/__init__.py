"""What pg_cron's and pg_net's background workers do on the platform: runs jobs when they are due, sends requests.

A process of its own (`__main__.py`), started by the front door once there is something to do (`starter.py`).
"""
