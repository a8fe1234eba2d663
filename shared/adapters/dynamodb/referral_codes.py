"""Referral codes on DynamoDB: an item for each code says whose it is, as for vouchers, and one per member which code they show.

A code is claimed where none stands, so nobody has another's. It is never given up: a link that was shared goes on working
after its member has chosen another code.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.adapters.dynamodb.attempts import DynamoAttempts, code_item, owner_of
from shared.adapters.dynamodb.items import Item
from shared.adapters.dynamodb.store import Outcome, Store
from shared.adapters.dynamodb.table import code_key, own_code_key, wallet_key
from shared.domain.code import CodeKind, CodeOwner, spoken
from shared.domain.entry import MemberId
from shared.domain.errors import (
    MemberClosedError,
    MemberUnknownError,
    ReferralCodeFixedError,
    ReferralCodeTakenError,
    TryAgainError,
)
from shared.domain.referral_code import (
    OwnCode,
    choose_referral_code,
    make_referral_code,
    read_referral_code,
    reads_as_money,
)
from shared.domain.referring import Introduction
from shared.ports import Guesser

_KINDS = (CodeKind.REFERRAL, CodeKind.CAMPAIGN)


@dataclass(frozen=True)
class DynamoReferralCodes:
    """Referral codes over a `Store`; `rng` makes new ones."""

    store: Store
    attempts: DynamoAttempts
    rng: random.Random

    def own(self, member: MemberId) -> OwnCode:
        """See ports.ReferralCodes."""
        for _ in self.store.backoff.attempts():
            wallet, kept = self.store.get_all([wallet_key(member), own_code_key(member)])
            _check_open(wallet)
            if kept is not None:
                return _own_of(kept)
            made = self._made()
            if self._kept(made, CodeOwner(CodeKind.REFERRAL, member)):
                return made
        raise TryAgainError

    def change(self, member: MemberId, text: str, *, freely: bool) -> OwnCode:
        """See ports.ReferralCodes."""
        wanted, owner = choose_referral_code(text), CodeOwner(CodeKind.REFERRAL, member)
        for _ in self.store.backoff.attempts():
            keys = [wallet_key(member), own_code_key(member), code_key(wanted.code)]
            wallet, kept, claimed = self.store.get_all(keys)
            _check_open(wallet)
            before = None if kept is None else _own_of(kept)
            if before is not None and _is_that(before, wanted, rewritten=freely):
                return before
            if before is not None and before.chosen and not freely:
                raise ReferralCodeFixedError
            _check_free(wanted, claimed, owner)
            if self._kept(wanted, owner, before, claimed):
                return wanted
        raise TryAgainError

    def for_campaign(self, campaign: str, text: str | None) -> str:
        """See ports.ReferralCodes."""
        if text is None:
            return self._campaigns_own(campaign)
        wanted, owner = choose_referral_code(text), CodeOwner(CodeKind.CAMPAIGN, campaign)
        for _ in self.store.backoff.attempts():
            claimed = self.store.get(code_key(wanted.code))
            _check_free(wanted, claimed, owner)
            if claimed is not None or self._posted([self._claim(wanted, owner)]):
                return wanted.code
        raise TryAgainError

    def find(self, text: str, guessers: Sequence[Guesser]) -> Introduction:
        """See ports.ReferralCodes."""
        code = read_referral_code(text)
        owner = self.attempts.find_any(code, _KINDS, _apart(guessers))
        if owner.kind is CodeKind.CAMPAIGN:
            return Introduction(code=code, campaign=owner.id)
        return Introduction(code=code, advocate=MemberId(owner.id))

    def _campaigns_own(self, campaign: str) -> str:
        for _ in self.store.backoff.attempts():
            kept = self.store.get(own_code_key(campaign))
            if kept is not None:
                return _own_of(kept).code
            made = self._made()
            if self._kept(made, CodeOwner(CodeKind.CAMPAIGN, campaign)):
                return made.code
        raise TryAgainError

    def _made(self) -> OwnCode:
        code = make_referral_code(self.rng)
        return OwnCode(code, spoken(code), chosen=False)

    def _kept(self, after: OwnCode, owner: CodeOwner, before: OwnCode | None = None, claimed: Item | None = None) -> bool:
        """Claim a code, unless it is claimed for its owner already, and keep it as the one that the owner shows."""
        item: Item = {**own_code_key(owner.id), **asdict(after)}
        # Nobody changed the owner's code since it was read.
        shows = self.store.put(item) if before is None else self.store.update(item, expected=asdict(before))
        return self._posted([shows] if claimed else [self._claim(after, owner), shows])

    def _claim(self, code: OwnCode, owner: CodeOwner) -> Any:
        # Nobody has the code, nor any other that is stored alike.
        return self.store.put(code_item(code.code, owner))

    def _posted(self, writes: list[Any]) -> bool:
        return self.store.transact(writes).outcome is Outcome.DONE


def _own_of(item: Item) -> OwnCode:
    return OwnCode(item["code"], item["shown"], item["chosen"])


def _check_open(wallet: Item | None) -> None:
    if wallet is None:
        raise MemberUnknownError
    if wallet["closed"]:
        raise MemberClosedError


def _is_that(before: OwnCode, wanted: OwnCode, *, rewritten: bool) -> bool:
    """Whether a code is the one that is wanted; `rewritten` where a chosen one may be written another way."""
    return before.code == wanted.code and not (rewritten and before.chosen and before.shown != wanted.shown)


def _check_free(wanted: OwnCode, claimed: Item | None, owner: CodeOwner) -> None:
    if reads_as_money(wanted.code) or (claimed is not None and owner_of(claimed) != owner):
        raise ReferralCodeTakenError


def _apart(guessers: Sequence[Guesser]) -> list[Guesser]:
    """Guessers of referral codes, each once: a till that met wrong referral codes still takes vouchers."""
    strictest: dict[str, Guesser] = {}
    for guesser in guessers:
        digest = f"REFERRAL#{guesser.digest}"
        known = strictest.get(digest, guesser)
        strictest[digest] = Guesser(digest, min(known.misses_max, guesser.misses_max))
    return list(strictest.values())
