"""The services outside that are faked: each under `/providers/<name>` of the API port, with the vendor's wire format.

What they share is here: a clock, a ledger of what was asked and told, failures by script, webhooks that are signed and
delivered, an API for tests and a page for people. Part of `tripgate dev` and `local`, never of `tripgate serve`.
"""
