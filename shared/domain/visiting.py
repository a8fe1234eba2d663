"""What is due for a member by date alone, one step after the other, and when to look again (docs/campaigns.md).

A step is an entry: a tier that changed is told, what dates made due is booked, the member is told of points that will be gone,
a campaign gives its bonus. Each step stands on the ones before it; after the last the alarm is set anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.domain.alarm import Alarm, dates_of, start_of
from shared.domain.calendar import first_after_period
from shared.domain.campaign import Anniversary, Birthday, Silence
from shared.domain.control import CampaignState, Control
from shared.domain.counts import Count, told_name
from shared.domain.decision import Decision, View
from shared.domain.digest import request_hash
from shared.domain.effect import Effect
from shared.domain.entry import EntryKey, EntryKind, MemberId, notice_key, sweep_key
from shared.domain.errors import GrantDeclinedError, NothingDueError
from shared.domain.granting import Offer, check_running, frequency_count, grant
from shared.domain.history import Reason, day_of_entry, post, standing
from shared.domain.moments import Person, due, following
from shared.domain.points import Account, Posting
from shared.domain.program import ProgramVersion, in_force
from shared.domain.redeeming import Issue
from shared.domain.standing import course_now, outlook_now, told
from shared.domain.subject import Notice, Swept
from shared.domain.wallet import Wallet

WEEK = 7
EXPIRING = "points_expiring"
"""What a notice tells: points will be gone."""


def told_again(wallet: Wallet, ahead: Iterable[int], currency: str, days: int) -> Iterator[date]:
    """The days from which on members are told again of points gone within `days`, by what they were told of the currency."""
    for nearer in ahead:
        name = told_name(currency, nearer)
        last = max((count.day for count in wallet.counts if count.name == name and count.day), default=None)
        if last is not None and nearer <= days:
            yield last + timedelta(days=days if nearer == days else WEEK)


def sweep_digest(member: MemberId) -> bytes:
    """A sweep is the same whoever asks for it."""
    return request_hash("sweep", member)


@dataclass(frozen=True, slots=True)
class Visit:
    """A member as the sweep finds them: `view` has the profile, and the control of every alarmed campaign."""

    view: View
    versions: Sequence[ProgramVersion]

    @property
    def version(self) -> ProgramVersion:
        """The program that holds now."""
        return in_force(self.versions, self.view.now)

    @property
    def day(self) -> date:
        """The local day of an entry made now."""
        return day_of_entry(self.view.wallet, self.view.now, self.version.program.time_zone)

    @property
    def person(self) -> Person:
        """The member as moments ask for them."""
        program, view = self.version.program, self.view
        return Person(view.wallet, view.profile, program.time_zone, program.tiers, view.history)

    def tier_changed(self) -> bool:
        """Whether the tier is another than the one that was told last."""
        course = course_now(self.versions, self.view.now)
        return told(self.view.wallet, course, self.day, Effect(), self.view.history).stands is not None

    def is_bookable(self) -> bool:
        """Whether dates made something due that no entry has booked: points matured or expired, redemptions lapsed."""
        wallet = self.view.wallet
        return bool(wallet.lapsed(self.day) or wallet.settled(self.day)[1])

    def notices(self) -> Iterator[Notice]:
        """What the member is to be told now of points that will be gone: of each currency all that goes within so many days.

        Whoever buys each day would be told each day: so for as many days nothing is told of it again, and what is further
        ahead waits a week where something nearer was told.
        """
        if not self.ahead:
            return
        today = self.day
        wallet = standing(self.view.wallet, self.view.history, today)
        for purse in wallet.purses:
            for days in self.ahead:
                soon = [(on, points) for on, points in purse.deadlines() if on and 0 < (on - today).days <= days]
                if soon and today >= max(told_again(self.view.wallet, self.ahead, purse.currency, days), default=today):
                    points = sum(points for _, points in soon)
                    yield Notice(what=EXPIRING, currency=purse.currency, points=points, on=soon[0][0], days=days)
                    break

    @property
    def ahead(self) -> tuple[int, ...]:
        """How many days ahead members are told of points that will be gone, the nearest first."""
        messages = self.version.program.messages
        return tuple(sorted(messages.points_expiring_days)) if messages else ()

    def offers(self) -> Iterator[Offer]:
        """The campaigns that are due for the member."""
        view, version = self.view, self.version
        course = course_now(self.versions, view.now)
        for campaign in version.program.alarmed_campaigns:
            control = view.controls.get(campaign.id)
            started_at = control.started_at if control else None
            if control is None or started_at is None:
                continue
            if not control.runs(campaign, version.program.time_zone, control.as_of(view.now)):
                continue
            moment = due(campaign, self.person, started_at, view.now)
            if moment is not None:
                yield Offer(campaign, version, course, moment)

    def wallet_alarm(self) -> Alarm:
        """When to look again for what the wallet makes due: dates of points and vouchers, the tier, silence."""
        view, program = self.view, self.version.program
        if view.wallet.closed:
            return Alarm()
        days = dates_of(_all_of(view.wallet), self.ahead)
        for purse in view.wallet.purses:
            for ahead in self.ahead:
                days |= set(told_again(view.wallet, self.ahead, purse.currency, ahead))
        days |= {hold.lapses_on for hold in view.wallet.holds if hold.lapses_on is not None}
        outlook = outlook_now(view.wallet, course_now(self.versions, view.now), self.day)
        days |= {outlook.falls_on} if outlook.falls_on else set()
        # Whoever was given as much as the frequency caps allow is asked again when they allow more.
        full = [cap.per for cap in program.frequency_caps if view.wallet.counted(*frequency_count(cap, self.day)) >= cap.count]
        days |= {first_after_period(per, self.day) for per in full} if full and any(self.offers()) else set()
        coming = start_of(days, self.day, program.time_zone)
        return Alarm(None, self.ahead, self._silences()).no_later((coming, *self._following(yearly=False)))

    def profile_alarm(self) -> Alarm:
        """When to look again for what the profile makes due: birthdays and anniversaries."""
        if self.view.wallet.closed:
            return Alarm()
        return Alarm().no_later(self._following(yearly=True))

    def _silences(self) -> tuple[int, ...]:
        """After how many days somebody is silent, by the campaigns there are."""
        triggers = (campaign.trigger for campaign in self.version.program.alarmed_campaigns)
        return tuple(sorted({trigger.days for trigger in triggers if isinstance(trigger, Silence)}))

    def _following(self, *, yearly: bool) -> list[datetime]:
        view, version = self.view, self.version
        found = list[datetime | None]()
        for campaign in version.program.alarmed_campaigns:
            control = view.controls.get(campaign.id, Control(campaign.id))
            state = control.state(campaign, version.program.time_zone, control.as_of(view.now))
            if isinstance(campaign.trigger, Birthday | Anniversary) is not yearly:
                continue
            if state in (CampaignState.RUNNING, CampaignState.PAUSED):
                found.append(following(campaign, self.person, view.now))
        return [at for at in found if at is not None]


def _all_of(wallet: Wallet) -> list[Posting]:
    """All lots of a wallet, as if they came now."""
    return [
        Posting(Account.ISSUED, Account.ACTIVE if lot.spendable_from is None else Account.PENDING, purse.currency, (lot,))
        for purse in wallet.purses
        for lot in purse.lots
    ]


def book(view: View, versions: Sequence[ProgramVersion]) -> Decision:
    """The entry that books what dates made due. Raises NothingDueError."""
    visit = Visit(view, versions)
    if not visit.is_bookable():
        raise NothingDueError
    return _entered(view, versions, EntryKind.SWEEP, Swept())


def notify(view: View, versions: Sequence[ProgramVersion], key: EntryKey) -> Decision:
    """The entry that says that the member was told what `key` names. Raises NothingDueError where it is so no more."""
    member = view.wallet.member
    same = (one for one in Visit(view, versions).notices() if key_of(member, one) == key)
    found = next(same, None)
    if found is None:
        raise NothingDueError
    return _entered(view, versions, EntryKind.NOTICE, found)


def give(view: View, offer: Offer, issue: Issue, versions: Sequence[ProgramVersion]) -> Decision:
    """The grant of a campaign that was due when the member was looked at.

    Raises GrantDeclinedError: not_due, where it is so no more because of what was posted since; as `granting.grant`.
    """
    key = offer.key(view.wallet.member)
    check_running(view, offer)
    found = next((one for one in Visit(view, versions).offers() if one.key(view.wallet.member) == key), None)
    if found is None:
        raise GrantDeclinedError(campaign=offer.campaign.id, reason="not_due")
    return grant(view, found, issue)


def key_of(member: MemberId, notice: Notice) -> EntryKey:
    """The key of a notice: once for the points of a day, and for so many days ahead."""
    return notice_key(member, f"expiring-{notice.currency}-{notice.on:%Y%m%d}-{notice.days}")


def _entered(view: View, versions: Sequence[ProgramVersion], kind: EntryKind, subject: Notice | Swept) -> Decision:
    wallet, course = view.wallet, course_now(versions, view.now)
    day = day_of_entry(wallet, view.now, course.zone)
    key = key_of(wallet.member, subject) if isinstance(subject, Notice) else sweep_key(wallet.member, wallet.sequence + 1)
    reason = Reason(
        key=key,
        kind=kind,
        occurred_at=view.now,
        request_hash=sweep_digest(wallet.member),
        subject=subject,
    )
    counts = (Count(told_name(subject.currency, subject.days), day, 1),) if isinstance(subject, Notice) else ()
    effect = told(wallet, course, day, Effect(counts=counts), view.history)
    entry, after = post(wallet, view.history, effect, reason, now=view.now, zone=course.zone)
    return Decision(entry, after)
