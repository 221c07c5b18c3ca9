"""A stand-in for Supabase Realtime: Phoenix channels over WebSocket, with the real wire formats and tables.

`app.py` assembles it and `__main__.py` runs it as a process of its own behind the front door.
"""
