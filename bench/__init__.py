"""Tripgate measured beside raw PostgREST, a bare hop and a hand-written gateway, in one run on one machine."""
