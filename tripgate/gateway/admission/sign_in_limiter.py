"""How often somebody may try to sign in to one account, so that nobody else can lock its owner out.

Whoever knows an e-mail address may try passwords for it. If all tries at an account counted together, five of a
stranger's would keep its owner out. So tries count by account and address together. Those of all addresses only make
each weigh more, until one a minute remains of each address; and an address from which somebody has signed in to the
account before is not touched by what others do. The first try of an address is always let in, so the owner is, wherever
they are.

Codes are different: six digits can be found, by enough addresses. So there is an end to the tries of all other
addresses together, and likewise to mails, which somebody has to read. Whether there is such an account makes no
difference.
"""

from dataclasses import dataclass

from tripgate.gateway.admission.attempts import Kind
from tripgate.upstream.shared.known_addresses import KnownAddresses
from tripgate.upstream.shared.quotas import Quota, Quotas, Taken

# So many times what an address may try is what all addresses may, before each has one try a minute.
_ANYWHERE = 10
# So many times what an address may try is what all addresses may, before tries weigh more.
_WEIGHT_THRESHOLD = 2


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a try is not let in.

    Attributes:
        what: What there was too much of, as the beginning of a sentence.
    """

    what: str
    quota: Quota
    taken: Taken


class SignInLimiter:
    """Counts the tries at accounts.

    Args:
        known_addresses: Who has signed in where before.
        per_account: Tries a minute that one address has at one account.
    """

    def __init__(self, quotas: Quotas, known_addresses: KnownAddresses, per_account: int) -> None:
        self._quotas = quotas
        self._known_addresses = known_addresses
        self._here = Quota("sign-in-account", per_account)
        self._anywhere = {
            Kind.PASSWORD: Quota("sign-in-anywhere", per_account * _ANYWHERE),
            Kind.CODE: Quota("sign-in-codes", per_account * _ANYWHERE),
            Kind.MAIL: Quota("sign-in-mails", per_account),
        }

    async def take(self, kind: Kind, account: str, address: str, times: int) -> Refused | None:
        """Count so many tries, unless they are too many."""
        known = await self._known_addresses.is_known(account, address)
        anywhere = self._anywhere[kind]
        weight = 1 if known or kind is Kind.MAIL else await self._weight(anywhere, account)
        taken = await self._quotas.take(self._here, f"{account}@{address}", times * weight)
        if not taken.allowed:
            why = f", and each counts for {weight} while so many are made" if weight > 1 else ""
            return Refused(f"Too many attempts to sign in to this account{why}", self._here, taken)
        if known:
            return None
        taken = await self._quotas.take(anywhere, account, times)
        if kind is Kind.PASSWORD or taken.allowed:
            return None
        what = "mails to this address" if kind is Kind.MAIL else "attempts to sign in to this account by code"
        return Refused(f"Too many {what}", anywhere, taken)

    async def _weight(self, anywhere: Quota, account: str) -> int:
        """How much of what an address may try one try takes, by what all addresses have tried lately."""
        tried = anywhere.limit - await self._quotas.remaining(anywhere, account)
        return min(self._here.limit, 1 + tried // (self._here.limit * _WEIGHT_THRESHOLD))
