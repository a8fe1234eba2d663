"""What the use cases need of the outside world. Adapters implement these; tests use fakes that pass the same suites."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from shared.domain.adjusting import Proposal, Rejection, Standing
from shared.domain.alarm import Alarm
from shared.domain.brought import Flag, Friend, Tally
from shared.domain.cap import BudgetKey
from shared.domain.code import CodeKind, CodeOwner
from shared.domain.control import Control
from shared.domain.decision import NOTHING_MORE, Decision, Order, View, Wanted
from shared.domain.donating import CharityMonth
from shared.domain.entry import Entry, EntryKey, HistoryRow, MemberId
from shared.domain.gift_card import CardEntry, CardId, CardKey, GiftCard
from shared.domain.importing import ExportedReferral, ExportPlace
from shared.domain.member import Enrolment, Identity, Profile
from shared.domain.message import Message, MessageState
from shared.domain.program import ProgramVersion
from shared.domain.referral_code import OwnCode
from shared.domain.referring import Introduction, Joining
from shared.domain.reward import Reward, RewardVersion
from shared.domain.run import Part, Run, RunKind
from shared.domain.stock import Stock
from shared.domain.wallet import Wallet

Decide = Callable[[View], Decision]
"""A pure decision: an entry and the wallet after it, or a domain error."""
DecideOnOrder = Callable[[View, Order], Decision]
"""A pure decision about an order that was recorded."""


class Clock(Protocol):
    """The time of the stage, aware UTC."""

    def now(self) -> datetime:
        """The instant of the call."""
        ...


class SettableClock(Clock, Protocol):
    """A sandbox stage's clock: real time until it is set, then it stands still until it is set again."""

    def move_to(self, instant: datetime) -> datetime:
        """Set the clock. Raises ClockBackwardError."""
        ...

    def is_set(self) -> bool:
        """Whether it stands still at a set instant."""
        ...


class Ledger(Protocol):
    """Append-only entries and the wallets they make."""

    def decide_and_post(
        self, key: EntryKey, member: MemberId, request_hash: bytes, decide: Decide, wanted: Wanted = NOTHING_MORE
    ) -> Entry:
        """Read, decide, and post in one transaction; on a clash, or where the decision asks for it, read and decide again.

        Where `key` was posted before by a request with the same hash, the stored entry is the answer. A RefusalError under a
        caller's own key is kept before it is raised, and is the answer from then on. At most 2 round trips when nothing clashes
        and the decision looks at no history. Raises what `decide` raises, MemberUnknownError, KeyReusedError, TryAgainError.
        """
        ...

    def correct_order(self, order_id: str, key: EntryKey, request_hash: bytes, decide: DecideOnOrder) -> Entry:
        """As `decide_and_post`, about an order that was recorded; the member is the order's.

        At most 4 round trips: the order, the wallet, the entries since, the transaction. Raises PurchaseUnknownError besides.
        """
        ...

    def view(self, member: MemberId, wanted: Wanted = NOTHING_MORE) -> View:
        """The wallet as posted (not settled to today) and the time. Raises MemberUnknownError, TryAgainError."""
        ...

    def order(self, order_id: str) -> Order:
        """An order with its refunds, strongly consistent. Raises PurchaseUnknownError, TryAgainError."""
        ...

    def entry(self, key: EntryKey) -> Entry:
        """One whole entry, strongly consistent. Raises EntryUnknownError, TryAgainError."""
        ...

    def rows(self, wallet: Wallet, start: tuple[int, EntryKey] | None = None, page: int | None = None) -> Iterator[HistoryRow]:
        """The history of `wallet`, newest first and without a gap, from the entry (sequence, key) or its last one on.

        `page` says how many rows are likely to be wanted; without it, all.
        """
        ...


class Members(Protocol):
    """Profiles and the identities that lead to them."""

    def enrol(self, profile: Profile, request_hash: bytes, joining: Joining | None = None) -> Enrolment:
        """Create profile, wallet and identities at once, and what follows where the member comes by somebody's code.

        It is kept what the member was seen with (fingerprints): some day they may bring friends. An equal enrolment of
        the same customer id answers as the first did. Raises IdentityTakenError, KeyReusedError, TryAgainError, and what
        `joining` raises.
        """
        ...

    def enrolled(self, customer_id: str, request_hash: bytes) -> Enrolment:
        """The receipt of an equal enrolment that came before.

        Raises MemberUnknownError where the customer never enrolled, IdentityTakenError where by another request, TryAgainError.
        """
        ...

    def profile(self, member: MemberId) -> Profile:
        """Raises MemberUnknownError, TryAgainError."""
        ...

    def find(self, identity: Identity) -> MemberId:
        """The member with this identity. Raises MemberUnknownError, TryAgainError."""
        ...

    def update(self, member: MemberId, change: Callable[[Profile], Profile]) -> Profile:
        """Change a profile and its identities at once, and keep what the member was seen with.

        Raises MemberUnknownError, IdentityTakenError, TryAgainError and what `change` raises.
        """
        ...

    def close(
        self, member: MemberId, key: EntryKey, request_hash: bytes, decide: Decide, into: MemberId | None = None
    ) -> Entry:
        """Post the closure, erase personal data and free the identities but the customer id, at once.

        `into` is the member who takes over, whose wallet the decision sees too. Raises as Ledger.decide_and_post.
        """
        ...


class Programs(Protocol):
    """Every version of the program that was ever activated."""

    def versions(self) -> Sequence[ProgramVersion]:
        """In order of version, at most STALENESS_SECONDS_MAX old. Raises TryAgainError."""
        ...

    def latest(self) -> Sequence[ProgramVersion]:
        """As `versions`, read now."""
        ...

    def add(self, version: ProgramVersion) -> None:
        """Keep a new version. Raises TryAgainError where another one was added meanwhile."""
        ...


class Budgets(Protocol):
    """What was given of caps that all members share."""

    def spent(self, budgets: Sequence[BudgetKey]) -> Mapping[BudgetKey, int]:
        """Points given of each so far, less what came back. Raises TryAgainError."""
        ...


class Approvals(Protocol):
    """Adjustments above the limit, which wait until exactly one of an approval and a rejection has won."""

    def answered(self, key: EntryKey, request_hash: bytes) -> Standing | None:
        """What the request under a caller's key met at first: an entry or a proposal, None where it was never used.

        Raises the refusal that is kept under it, KeyReusedError, TryAgainError.
        """
        ...

    def propose(self, proposal: Proposal) -> Standing:
        """Let a proposal wait, once per key: an equal request meets what the first one met.

        Raises as `answered`.
        """
        ...

    def standing(self, key: EntryKey) -> Standing:
        """Where an adjustment stands now. Raises AdjustmentUnknownError, TryAgainError."""
        ...

    def waiting(self) -> list[Proposal]:
        """All that wait, the oldest first. Raises TryAgainError."""
        ...

    def approve(self, proposal: Proposal, request_hash: bytes, decide: Decide) -> Entry:
        """Post what was proposed, and let it wait no more, at once.

        Approved before, the stored entry is the answer. Raises AdjustmentRejectedError, and as Ledger.decide_and_post; a
        refusal is not kept: the proposal waits on.
        """
        ...

    def reject(self, proposal: Proposal, rejection: Rejection) -> Rejection:
        """Keep the rejection, and let the proposal wait no more, at once.

        Rejected before for the same reason, the stored one is the answer. Raises AdjustmentPostedError, KeyReusedError,
        TryAgainError.
        """
        ...


class Referrals(Protocol):
    """What is listed and counted of referrals beside the ledger, in the transactions of its entries."""

    def tallies(self, member: MemberId) -> list[Tally]:
        """The member's own tally, then those of members who were merged into them, and so on; consistent, one round trip each.

        Raises TryAgainError.
        """
        ...

    def friends(self, sources: Sequence[str], limit: int, after: tuple[str, str] | None = None) -> list[Friend]:
        """Up to `limit` friends of `sources`, source by source, the last who joined first; consistent.

        `after` is the source and the id of the last one of the page before. One round trip each source that is looked at.
        Raises TryAgainError.
        """
        ...

    def friend(self, source: str, friend: MemberId) -> Friend | None:
        """One friend as listed, strongly consistent. Raises TryAgainError."""
        ...

    def funnel(self, first: date, last: date) -> Counter[str]:
        """Sums of what was counted from the local day `first` to `last`, all shards together; 8 round trips.

        Raises TryAgainError.
        """
        ...

    def top(self, limit: int) -> list[Tally]:
        """The sources (at most 100) with the most friends whose awards stand, the first of all; 9 round trips.

        Who is first is read from an index, eventually consistent; the tallies themselves are consistent. Raises TryAgainError.
        """
        ...

    def flags(self, limit: int, after: str | None = None) -> list[Flag]:
        """Up to `limit` referrals that wait for an operator, who enrolled first first; 2 round trips for a hundred.

        `after` is the id of the last friend of the page before. What an operator decided about between the two reads is no
        longer flagged. Raises TryAgainError.
        """
        ...


class Donations(Protocol):
    """What charities were given."""

    def months(self, charity: str, first: date, last: date) -> list[CharityMonth]:
        """Totals of the calendar months from that of `first` to that of `last`, oldest first; none where nothing was given.

        Raises TryAgainError.
        """
        ...


class MailDomains(Protocol):
    """Mail domains that an operator calls disposable."""

    def add(self, domains: Collection[str]) -> None:
        """List these (at most 100), all or none; one that is listed stays so. 2 round trips. Raises TryAgainError."""
        ...

    def remove(self, domain: str) -> None:
        """List it no more, if it was. Raises TryAgainError."""
        ...

    def page(self, limit: int, after: str | None = None) -> list[str]:
        """Up to `limit` of them, in order, those after `after`; consistent. Raises TryAgainError."""
        ...


class ReferralExport(Protocol):
    """All referrals of a stage."""

    def page(self, limit: int, after: ExportPlace | None = None) -> tuple[list[ExportedReferral], ExportPlace | None]:
        """Up to `limit` referrals (at most 100) and where the next page begins, None after the last.

        A page may be short and still have a next one. Each that is there throughout is told at least once, unless its source
        falls in the ranking meanwhile. Raises TryAgainError.
        """
        ...


class Attempts(Protocol):
    """Codes, and the misses of those who look for them: a caller who guesses is stopped."""

    def find(self, code: str, kind: CodeKind, caller: str) -> CodeOwner:
        """What `code` (in its stored form) leads to, for the caller with this digest; 1 round trip on a hit, 2 on a miss.

        A miss is counted before it is told. Raises VoucherUnknownError or GiftCardUnknownError by `kind`,
        TooManyAttemptsError after MISSES_MAX misses in ATTEMPT_WINDOW, whatever the code, TryAgainError.
        """
        ...


class Guesser(NamedTuple):
    """Somebody whose misses are counted, by a digest that tells nothing of them, and how many they may have in a window."""

    digest: str
    misses_max: int


class ReferralCodes(Protocol):
    """Referral codes: of members, who may choose theirs once, and of campaigns; and whom each leads to, for ever."""

    def own(self, member: MemberId) -> OwnCode:
        """The code that a member shows, made where they have none: 1 round trip, 2 at the first ask.

        Raises MemberUnknownError, MemberClosedError, TryAgainError.
        """
        ...

    def change(self, member: MemberId, text: str, *, freely: bool) -> OwnCode:
        """Give a member the code they chose: once, or as often as asked where `freely`; 2 round trips.

        The codes before lead to the member as they did, and the code that the member shows is no change. Raises
        ReferralCodeInvalidError, ReferralCodeFixedError, ReferralCodeTakenError, MemberUnknownError, MemberClosedError,
        TryAgainError.
        """
        ...

    def for_campaign(self, campaign: str, text: str | None) -> str:
        """A code of a campaign in its stored form: the chosen one, any number of them; or one that is made, the same each time.

        Raises ReferralCodeInvalidError, ReferralCodeTakenError where it leads elsewhere, TryAgainError.
        """
        ...

    def find(self, text: str, guessers: Sequence[Guesser]) -> Introduction:
        """Whom a code leads to, as somebody wrote it; 1 round trip on a hit, 2 on a miss.

        A miss is counted for every guesser before it is told, apart from those of vouchers and gift cards. Raises
        ReferralCodeInvalidError, which counts as nothing, ReferralCodeUnknownError, TooManyAttemptsError where any guesser
        has used up theirs in ATTEMPT_WINDOW, whatever the code, TryAgainError.
        """
        ...


class Rewards(Protocol):
    """The catalog: the newest version of every reward, all versions there ever were, and how many are left."""

    def put(self, reward: Reward, now: datetime, expected_version: int | None = None) -> RewardVersion:
        """Keep the document as the reward's next version; the document that is the newest already is not kept twice.

        `expected_version` is the version that the document was made from, 0 for a new reward. Raises VersionStaleError where
        another is the newest by now, TryAgainError.
        """
        ...

    def get(self, reward: str) -> RewardVersion:
        """The newest version. Raises RewardUnknownError, TryAgainError."""
        ...

    def versions(self, reward: str) -> Sequence[RewardVersion]:
        """Every version, oldest first. Raises RewardUnknownError, TryAgainError."""
        ...

    def all(self) -> Sequence[RewardVersion]:
        """The newest version of every reward, archived ones too, in order of id. Raises TryAgainError."""
        ...

    def stock(self, rewards: Collection[str]) -> Mapping[str, Stock]:
        """The stock of each reward; where none was ever set, of nothing. Raises TryAgainError."""
        ...

    def set_stock(self, reward: str, total: int, day: date) -> Stock:
        """Say how many there are in all, used and held ones counted, on the local day `day`. Raises TryAgainError."""
        ...


DecideOnCard = Callable[[GiftCard, datetime], tuple[CardEntry, GiftCard]]
"""A pure decision on a card as it stands and the time: an entry and the card after it, or a domain error."""


class GiftCards(Protocol):
    """Gift cards and their own append-only entries."""

    def issue(
        self, caller: str, key: str, request_hash: bytes, make: Callable[[datetime], Sequence[tuple[CardEntry, GiftCard]]]
    ) -> list[CardEntry]:
        """Issue the cards that `make` makes (at most 25), all or none, once per caller (by digest) and key; their issues.

        `make` brings new ids and codes each time it is asked. Raises what it raises, KeyReusedError, TryAgainError.
        """
        ...

    def decide_and_post(self, card: CardId, key: CardKey, request_hash: bytes, decide: DecideOnCard) -> CardEntry:
        """Read, decide, and post in one transaction; on a clash read and decide again.

        Where `key` was posted on this card before by a request with the same hash, the stored entry is the answer. 2 round
        trips when nothing clashes. Raises what `decide` raises, GiftCardUnknownError, KeyReusedError, TryAgainError.
        """
        ...

    def card(self, card: CardId) -> tuple[GiftCard, datetime]:
        """The card as posted (not settled to today) and the time. Raises GiftCardUnknownError, TryAgainError."""
        ...

    def entries(self, card: CardId) -> list[CardEntry]:
        """All entries of a card in order of sequence, strongly consistent. Raises TryAgainError."""
        ...


class BusEvent(NamedTuple):
    """An event for the bus: its type, and what it tells, as JSON knows it."""

    type: str
    detail: Mapping[str, Any]


class Bus(Protocol):
    """The stage's event bus."""

    def publish(self, events: Sequence[BusEvent]) -> list[int]:
        """Put events on the bus; the positions, in order, of those that it did not take even when asked again.

        An event that is told of may have been taken all the same: whoever sends it again sends it at least once. Raises
        FaultError.
        """
        ...


class Parked(Protocol):
    """What could not be processed, kept for an operator."""

    def park(self, record: Mapping[str, Any]) -> None:
        """Keep a record. Raises TryAgainError where it is not known whether it is kept, FaultError."""
        ...


class Stream(Protocol):
    """The table's stream, read once more."""

    def between(self, stream: str, shard: str, first: str, last: str) -> Sequence[Mapping[str, Any]]:
        """The records of a shard with the sequence numbers from `first` to `last`, in order; kept for 24 hours.

        Raises FaultError where they are no longer there, TryAgainError.
        """
        ...


class Email(NamedTuple):
    """An e-mail: whom it goes to, the template it is made of, and what fills that."""

    address: str
    template: str
    data: Mapping[str, Any]


class MailAnswer(NamedTuple):
    """What became of an e-mail: SENT under the provider's id `told`; FAILED or PUT_BACK, not sent for the reason `told`.

    FAILED would be refused again; PUT_BACK may be sent later, or once the account is mended.
    """

    state: MessageState
    told: str


class Mail(Protocol):
    """E-mail."""

    def send(self, email: Email) -> MailAnswer:
        """Hand over an e-mail, asking once. Raises TryAgainError where it is not known whether it was sent."""
        ...


class Outbox(Protocol):
    """What became of each message: nothing is sent before it stands here, so nothing is sent twice."""

    def find(self, event: str) -> Message | None:
        """The message of this event as it stands; None where there is none. Raises TryAgainError."""
        ...

    def begin(self, message: Message) -> bool:
        """Keep a message that is about to be sent; whether it is for the caller to send.

        It is not where one was kept for the event before, unless that was put back. Raises TryAgainError.
        """
        ...

    def end(self, message: Message) -> None:
        """Keep what became of a message that the caller began. Raises TryAgainError."""
        ...

    def decline(self, message: Message) -> None:
        """Keep that a message is not sent, unless one was begun for the event. Raises TryAgainError."""
        ...


class Machine(Protocol):
    """What runs a campaign over many members."""

    def start(self, run: str, attempt: int, shards: Sequence[int], list_key: str | None) -> None:
        """Start a run over `shards`, or over the list of members that the bucket has under `list_key`.

        Done once for each attempt, however often it is asked for. Raises TryAgainError, FaultError.
        """
        ...


class Recurrence(NamedTuple):
    """Again and again: the six fields of a cron expression (`0 9 ? * MON *`), at the wall clock of a zone (`Europe/Rome`)."""

    cron: str
    zone: str


class Schedules(Protocol):
    """Calls of functions at times to come."""

    def put(self, name: str, when: datetime | Recurrence, payload: Mapping[str, Any], target: str) -> None:
        """Call the function `target` (its ARN) with `payload` at an instant of real time, once, or again and again.

        It comes within a minute, and may come twice. A schedule of that name (up to 64 of `A-Za-z0-9-_.`) is replaced; one that
        came once is gone. An instant that is past comes at once. Raises TryAgainError, FaultError.
        """
        ...

    def remove(self, name: str) -> None:
        """Forget a schedule; nothing happens where there is none. Raises TryAgainError, FaultError."""
        ...


class Alarms(Protocol):
    """Who may have something due, and who there is, in `shared.domain.alarm.SHARDS` shards each."""

    def due(self, shard: int, until: datetime, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """Members of a shard whose alarm rang by `until`, the earliest first, of at most `limit` alarms.

        With where the next page begins, None after the last. From an index, eventually consistent. Raises TryAgainError.
        """
        ...

    def roster(self, shard: int, limit: int, after: str | None = None) -> tuple[list[MemberId], str | None]:
        """Up to `limit` members of a shard who have not left, in order of id, those after `after`; and the last where there may
        be more. From an index, eventually consistent. Raises TryAgainError.
        """
        ...

    def settle(self, view: View, wallet: Alarm, profile: Alarm) -> bool:
        """Set the alarms of a member's wallet and profile, if neither was written since the view; whether both are set.

        Raises TryAgainError.
        """
        ...


class Campaigns(Protocol):
    """Whether campaigns run, and what they gave."""

    def controls(self, campaigns: Sequence[str]) -> Mapping[str, Control]:
        """What was done with each campaign, consistent; one round trip for a hundred. Raises TryAgainError."""
        ...

    def change(self, campaign: str, change: Callable[[Control], Control]) -> Control:
        """Change what `change` makes of a control, once. Raises TryAgainError and what `change` raises."""
        ...

    def pass_over(self, campaign: str, period: str, tallied: str, member: MemberId, reason: str) -> None:
        """Count that a campaign gave a member nothing for a period though it came for them: the first reason, once.

        Raises TryAgainError.
        """
        ...

    def given(self, campaign: str, period: str, members: Sequence[MemberId]) -> frozenset[MemberId]:
        """Those of these members whom the campaign gave its bonus for the period; one round trip for a hundred, consistent.

        Raises TryAgainError.
        """
        ...

    def tallies(self, campaign: str) -> Mapping[str, Counter[str]]:
        """What the campaign gave and whom it passed over, by period; consistent, 8 round trips. Raises TryAgainError."""
        ...


class Runs(Protocol):
    """Runs and how far they have come."""

    def begin(self, run: Run) -> Run | None:
        """Keep a new run; None where it was begun before. Raises TryAgainError."""
        ...

    def run(self, name: str) -> Run:
        """A run by its name, consistent. Raises RunUnknownError, TryAgainError."""
        ...

    def going(self) -> list[Run]:
        """All runs that have not ended, consistent. Raises TryAgainError."""
        ...

    def of(self, campaign: str) -> list[Run]:
        """All runs of a campaign, the oldest first, consistent. Raises TryAgainError."""
        ...

    def again(self, run: Run, now: datetime) -> Run | None:
        """Note that the run's workers are started once more; None where somebody else did. Raises TryAgainError."""
        ...

    def end(self, run: Run, now: datetime) -> Run:
        """Note that the run ended, once. Raises TryAgainError."""
        ...

    def part(self, run: Run, part: str) -> Part:
        """How far a part of the run has come, consistent. Raises TryAgainError."""
        ...

    def advance(self, run: Run, part: str, before: Part, after: Part) -> bool:
        """Note how far a part has come; False where it is not as it was read. Raises TryAgainError."""
        ...

    def parts(self, run: Run) -> Mapping[str, Part]:
        """All parts of the run that were begun, consistent. Raises TryAgainError."""
        ...

    def parts_of(self, campaign: str, kind: RunKind) -> Mapping[str, Mapping[str, Part]]:
        """All parts of the campaign's runs of a kind, by period; consistent, in one query. Raises TryAgainError."""
        ...

    def nominate(self, run: Run, ticket: str, member: MemberId) -> None:
        """Keep a candidate of the run's draw. Raises TryAgainError."""
        ...

    def candidates(self, run: Run) -> Iterator[tuple[str, MemberId]]:
        """The candidates of the run's draw, the lowest ticket first, consistent. Raises TryAgainError."""
        ...
