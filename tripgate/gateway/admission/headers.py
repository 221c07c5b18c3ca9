"""What clients may read of their quotas."""

from tripgate.upstream.shared.quotas import Quota, Taken


def rate_headers(quota: Quota, taken: Taken) -> dict[str, str]:
    """What the client may read of its quota, as the IETF's draft on RateLimit header fields has it."""
    return {
        "RateLimit-Policy": f'"{quota.name}";q={quota.limit};w={quota.seconds}',
        "RateLimit": f'"{quota.name}";r={taken.remaining};t={taken.seconds}',
    }
