"""The Auth stand-in: GoTrue's wire format over GoTrue's tables, for development and tests.

`app.create` gives an aiohttp application. Each module of routes is listed in `app.ROUTES`; a further part of the
protocol is a further module there.
"""
