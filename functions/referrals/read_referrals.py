"""Use cases: the friends whom a member brought, what came of it, and how a member came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.api.cursor import read_cursor, sign_cursor
from shared.domain.brought import Friend, Tally
from shared.domain.counts import REFERRALS
from shared.domain.decision import View, Wanted
from shared.domain.entry import Entry, MemberId, award_key, clawback_key, of_advocate, referral_key, ruling_key
from shared.domain.errors import ReferralUnknownError
from shared.domain.history import day_of_entry
from shared.domain.program import Program, in_force
from shared.domain.referral import ADVOCATE, ReferralReward
from shared.domain.referred import Referred
from shared.domain.wallet import Wallet
from shared.ports import Ledger, Programs, Referrals

READ_MAX = 200
"""Friends of a member that are all read, to tell which awards are held; of a member with more only a page is."""


@dataclass(frozen=True, slots=True)
class ToEarn:
    """What the next friend is worth: `next_points` of a currency, as far as `left` goes, which the member's caps leave.

    `left` is None where no cap of the member's own bounds it.
    """

    currency: str
    next_points: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a member's friends by the local `day` of `program`'s zone.

    `tallies` are the member's own and those of members who were merged into them. `held` is how many awards are held, None for
    a member with more than READ_MAX friends. `friends` are a page of them, `following` is the cursor of the next.
    """

    wallet: Wallet
    day: date
    program: Program
    tallies: Sequence[Tally]
    held: int | None
    friends: Sequence[Friend]
    following: str | None
    to_earn: Sequence[ToEarn]


def read_referrals(
    member: MemberId,
    limit: int,
    cursor: str | None,
    *,
    ledger: Ledger,
    referrals: Referrals,
    programs: Programs,
    secret: Callable[[], bytes],
) -> Brought:
    """What came of a member's friends, and up to `limit` of them, the last who joined first. 3 round trips.

    A merge on the way costs two more: friends of members who were merged into this one come after their own. Raises
    MemberUnknownError, ProgramMissingError, CursorInvalidError, TryAgainError.
    """
    view = ledger.view(member)
    program = in_force(programs.versions(), view.now).program
    day = day_of_entry(view.wallet, view.now, program.time_zone)
    tallies = referrals.tallies(member)
    sources = [tally.source for tally in tallies]
    scope = ("referrals", member)
    after = None
    if cursor is not None:
        source, last = read_cursor(cursor, secret(), *scope)
        after = (source, last)
    held = None
    if sum(tally["joined"] for tally in tallies) <= READ_MAX:
        every = referrals.friends(sources, READ_MAX)
        held = sum(friend.shown(day) == "held" for friend in every)
        rest = _after(every, after)
    else:
        rest = referrals.friends(sources, limit + 1, after)
    friends, following = rest[:limit], None
    if len(rest) > limit:
        following = sign_cursor([friends[-1].source, friends[-1].friend], secret(), *scope)
    return Brought(view.wallet, day, program, tallies, held, friends, following, _to_earn(view, program, day))


def _after(friends: Sequence[Friend], after: tuple[str, str] | None) -> list[Friend]:
    if after is None:
        return list(friends)
    places = [(friend.source, str(friend.friend)) for friend in friends]
    return list(friends[places.index(after) + 1 :]) if after in places else []


def _to_earn(view: View, program: Program, day: date) -> list[ToEarn]:
    """What the terms in force promise for one more friend. What is left of the shop's budgets is no member's business."""
    if program.referral is None or view.wallet.closed:
        return []
    number = view.wallet.counted(REFERRALS) + 1
    return [
        ToEarn(reward.currency, reward.for_number(number), _left(reward, view.wallet, program, day))
        for reward in program.referral.advocate
    ]


def _left(reward: ReferralReward, wallet: Wallet, program: Program, day: date) -> int | None:
    caps = [program.caps_by_id[cap] for cap in reward.caps]
    rooms = [
        max(0, program.limit_of(cap) - wallet.counted(cap.count_name, cap.since(day))) for cap in caps if cap.scope == "member"
    ]
    return min(rooms, default=None)


@dataclass(frozen=True, slots=True)
class Came:
    """How a member came: where the referral stands on the local `day` of `zone`, as listed, and every entry about it."""

    referred: Referred
    day: date
    zone: str
    friend: Friend | None
    entries: Sequence[Entry]


def read_referral(member: MemberId, *, ledger: Ledger, referrals: Referrals, programs: Programs) -> Came:
    """How a member came, 2 round trips.

    Raises MemberUnknownError, ReferralUnknownError for one who came by no code, ProgramMissingError, TryAgainError.
    """
    award, clawback = award_key(member), clawback_key(member)
    rulings = (ruling_key(member, passed=True), ruling_key(member, passed=False))
    keys = (referral_key(member), *rulings, award, of_advocate(award), clawback, of_advocate(clawback))
    view = ledger.view(member, Wanted(entries=keys))
    referred = view.wallet.referral
    if referred is None:
        raise ReferralUnknownError
    zone = in_force(programs.versions(), view.now).program.time_zone
    entries = sorted(view.entries.values(), key=lambda entry: (entry.recorded_at, keys.index(entry.key)))
    day = day_of_entry(view.wallet, view.now, zone)
    return Came(referred, day, zone, referrals.friend(referred.source, member), entries)


def advocates_points(tallies: Sequence[Tally]) -> dict[str, int]:
    """What all friends brought the advocate, by currency, less what was taken back."""
    found: dict[str, int] = {}
    for tally in tallies:
        for side, currency, points in tally.given():
            if side == ADVOCATE:
                found[currency] = found.get(currency, 0) + points
    return dict(sorted(found.items()))
