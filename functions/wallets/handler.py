"""Wallets, histories and entries, for staff by member id and for members themselves."""

from datetime import timedelta
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import TypeAdapter

from functions.wallets.list_entries import Filters, belongs_to, explain_entry, list_entries
from functions.wallets.models import (
    Basis,
    ExplainedAnswer,
    HistoryAnswer,
    MultiplierVoucherAnswer,
    OpenRedemptionAnswer,
    PurseAnswer,
    RowAnswer,
    TierChangedAnswer,
    WalletAnswer,
)
from functions.wallets.read_wallet import read_wallet
from shared.api.answers import EntryAnswer, PostingAnswer, PurchaseAnswer, expires_at
from shared.api.fields import Day, EntryId, Id, PageSize
from shared.domain.boost import good_boosts
from shared.domain.entry import Entry, EntryKey, EntryKind, MemberId
from shared.domain.errors import MemberUnknownError
from shared.domain.referral import FRIEND
from shared.domain.subject import Award
from shared.entrypoint import wiring
from shared.entrypoint.app import make_app, serve
from shared.entrypoint.callers import MEMBER, OPERATOR, POS, for_any, my_member

EXPIRING_SOON = timedelta(days=30)

_REFERRALS = (EntryKind.REFERRAL, EntryKind.RULING, EntryKind.AWARD, EntryKind.CLAWBACK)
_THE_STAFFS = frozenset({"operator", "approved_by", "attributes"})
_THE_OTHERS = frozenset({"advocate", "friend", "path", "signs", "verdict", "cause", "reason", "imported", "given"})

app = make_app()

AsOf = Annotated[Day | None, Query(description="the end of this local day of the program's zone")]
BasisOf = Annotated[Basis, Query(description="which day of an entry counts")]
Kind = Annotated[EntryKind | None, Query()]
Since = Annotated[Day | None, Query(description="from this local day on")]
Limit = Annotated[PageSize, Query()]
Merged = Annotated[Id | None, Query(description="a member who was merged into the caller")]
Cursor = Annotated[str | None, Query(max_length=1000)]


@app.get("/v1/members/<member_id>/wallet", tags=["wallets"], **for_any(POS, OPERATOR))
def get_wallet(member_id: Annotated[Id, Path()], as_of: AsOf = None, basis: BasisOf = Basis.RECORDED) -> WalletAnswer:
    """A member's points, now or at the end of a past day"""
    return _wallet(MemberId(member_id), as_of, basis)


@app.get("/v1/me/wallet", tags=["wallets"], **for_any(MEMBER))
def get_my_wallet(as_of: AsOf = None, basis: BasisOf = Basis.RECORDED) -> WalletAnswer:
    """The caller's own points"""
    return _wallet(_me(), as_of, basis)


@app.get("/v1/members/<member_id>/entries", tags=["wallets"], **for_any(POS, OPERATOR))
def get_entries(
    member_id: Annotated[Id, Path()],
    kind: Kind = None,
    since: Since = None,
    as_of: AsOf = None,
    basis: BasisOf = Basis.RECORDED,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> HistoryAnswer:
    """A member's history, newest first"""
    return _history(MemberId(member_id), Filters(kind, since, as_of, basis), limit, cursor)


@app.get("/v1/me/entries", tags=["wallets"], **for_any(MEMBER))
def get_my_entries(
    kind: Kind = None,
    since: Since = None,
    as_of: AsOf = None,
    basis: BasisOf = Basis.RECORDED,
    limit: Limit = 25,
    cursor: Cursor = None,
    of: Merged = None,
) -> HistoryAnswer:
    """The caller's own history, newest first, or that of a member who was merged into them"""
    ledger, me = wiring.wired().ledger, _me()
    member = MemberId(of) if of else me
    if not belongs_to(member, me, ledger=ledger):
        raise MemberUnknownError
    return _history(member, Filters(kind, since, as_of, basis), limit, cursor)


@app.get("/v1/entries/<entry_id>", tags=["wallets"], **for_any(POS, OPERATOR))
def get_entry(entry_id: Annotated[EntryId, Path()]) -> ExplainedAnswer:
    """One entry explained"""
    return _explained(explain_entry(EntryKey(entry_id), None, ledger=wiring.wired().ledger), for_staff=True)


@app.get("/v1/me/entries/<entry_id>", tags=["wallets"], **for_any(MEMBER))
def get_my_entry(entry_id: Annotated[EntryId, Path()]) -> ExplainedAnswer:
    """One of the caller's own entries explained"""
    answer = _explained(explain_entry(EntryKey(entry_id), _me(), ledger=wiring.wired().ledger), for_staff=False)
    # What is left of the shop's budgets, and what else it told of the order, is for the shop.
    earned = [
        one.model_copy(update={"why": [why.model_copy(update={"room": None}) for why in one.why]}) for one in answer.earned
    ]
    purchase = answer.purchase.model_copy(update={"attributes": None}) if answer.purchase else None
    return answer.model_copy(update={"earned": earned, "purchase": purchase})


def _me() -> MemberId:
    return my_member(app, wiring.wired().members)


def _wallet(member: MemberId, as_of: Day | None, basis: Basis) -> WalletAnswer:
    wired = wiring.wired()
    found = read_wallet(member, as_of, basis, ledger=wired.ledger, programs=wired.programs)
    return WalletAnswer(
        member_id=member,
        status="merged" if found.wallet.merged_into else "closed" if found.wallet.closed else "active",
        day=found.day,
        time_zone=found.zone,
        sequence=found.wallet.sequence,
        currencies=[PurseAnswer.of(purse, found.zone, found.day + EXPIRING_SOON) for purse in found.purses],
        open_redemptions=[
            OpenRedemptionAnswer(redemption_id=hold.key, expires_at=expires_at(hold.lapses_on, found.zone))
            for hold in found.wallet.holds
        ],
        multipliers=[
            MultiplierVoucherAnswer(
                campaign=boost.campaign,
                currency=boost.currency,
                percent=boost.percent,
                last_day=boost.until,
                count=found.wallet.counted(boost.count(0).name, boost.until),
            )
            for boost in good_boosts(found.wallet.counts, found.day)
        ],
    )


def _history(member: MemberId, filters: Filters, limit: int, cursor: str | None) -> HistoryAnswer:
    wired = wiring.wired()
    rows, following = list_entries(
        member,
        filters,
        limit,
        cursor,
        ledger=wired.ledger,
        programs=wired.programs,
        secret=wired.cursor_secret.value,
    )
    return HistoryAnswer(entries=[RowAnswer.of(row) for row in rows], cursor=following)


def _explained(entry: Entry, *, for_staff: bool) -> ExplainedAnswer:
    return ExplainedAnswer(
        **EntryAnswer.of(entry).model_dump(),
        previous_entry_id=entry.previous,
        tier_changed=TierChangedAnswer(tier=stands.tier, since=stands.since) if (stands := entry.effect.stands) else None,
        names_entry_id=entry.names,
        lapsed=list(entry.lapsed),
        postings=[PostingAnswer.of(posting, entry.zone) for posting in entry.postings],
        purchase=PurchaseAnswer.of(entry.purchase) if entry.purchase else None,
        about=_about(entry, for_staff=for_staff),
    )


def _about(entry: Entry, *, for_staff: bool) -> dict[str, Any] | None:
    if entry.subject is None or entry.purchase is not None:
        return None
    told: dict[str, Any] = TypeAdapter(type(entry.subject)).dump_python(entry.subject, mode="json", exclude_none=True)
    hidden = _hidden_from_all(entry) if for_staff else _hidden_from_all(entry) | _hidden_from_members(entry)
    return {name: value for name, value in told.items() if name not in hidden}


def _hidden_from_all(entry: Entry) -> frozenset[str]:
    """A voucher's code is worth money: it is for those who have the redemption. A referral code is there to be shared."""
    shared = entry.kind is EntryKind.INVITATION or entry.kind in _REFERRALS
    return frozenset() if shared else frozenset({"code"})


def _hidden_from_members(entry: Entry) -> frozenset[str]:
    """Who of the staff did something is for the staff.

    Neither side of a referral learns who the other is, whom else they brought and what they bought, nor how farming is found
    out. The friend's id is a part of the entry's own, and opens nothing: a foreign id answers as an unknown one.
    """
    if entry.kind not in _REFERRALS:
        return _THE_STAFFS
    brought = isinstance(entry.subject, Award) and entry.subject.side == FRIEND
    return _THE_STAFFS | _THE_OTHERS | ({"number"} if brought else frozenset())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return serve(app, event, context)
