"""Meta, faked: WhatsApp's Cloud API in the Graph API's wire format, its webhooks, and phones that hold what was sent.

Wire formats and codes are those of the documentation of v26.0; a version before is answered alike.
"""
