"""A fake of Stripe: enough of its API to sell subscriptions, as its own client library speaks it.

Customers, products, prices, checkout sessions with their page, subscriptions and invoices that the clock renews, events
and webhook endpoints. Amounts are in minor units; times are of the providers' clock. Nothing is kept over a restart.
"""
