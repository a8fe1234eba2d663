"""What the demo shows after the replay: a catalog, and a member who redeems at a till and brings something back.

Every call has a key or an id of its own that never changes, so an interrupted visit goes on where it was.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local_cloud.api import Caller

CATALOG = Path(__file__).parents[1] / "programs" / "grocer_rewards.json"
_ORDER = "demo-1"
_BEANS, _MUG, _VOUCHER = 3_000, 1_000, 500  # cents


@dataclass(frozen=True)
class Step:
    """One thing that happened: what it did to the member's points, and the balance after it."""

    what: str
    points: int
    balance: int


@dataclass(frozen=True)
class Visit:
    """What a customer did, and what is left of it to try out: a redemption that is still open, and a gift card's code."""

    customer: str
    steps: tuple[Step, ...]
    redemption_id: str
    card_code: str

    @classmethod
    def parse(cls, note: str) -> "Visit":
        """The visit that `json.dumps(asdict(visit))` wrote."""
        known = json.loads(note)
        return cls(**{**known, "steps": tuple(Step(**step) for step in known["steps"])})


def set_up_catalog(operator: Caller) -> None:
    """Put the grocer's rewards into the catalog, and on the shelf what there are only so many of."""
    for reward_id, entry in json.loads(CATALOG.read_text(encoding="utf-8")).items():
        operator.expect("PUT", f"/v1/rewards/{reward_id}", entry["reward"])
        if "stock" in entry:
            operator.expect("PUT", f"/v1/rewards/{reward_id}/stock", {"total": entry["stock"]})


def pay_a_visit(pos: Caller, *, customer: str, member_id: str) -> Visit:
    """Redeem a voucher at a till, pay with it, bring a part of the order back; then redeem two more rewards."""
    voucher, redeemed = _redeem(pos, member_id, "five_off")
    start = redeemed.balance - redeemed.points
    quoted = Step(f"Quote: {voucher['name']} for {voucher['points']} points, worth {usd(voucher['value'])}", 0, start)
    taken = _take_voucher(pos, voucher, redeemed.balance)
    # The time of the redemption, not of now: the same request whenever it is sent again.
    now = voucher["issued_at"]
    bought = _buy(pos, member_id, now)
    refund = {"refund_id": "mug", "occurred_at": now, "lines": [{"line": 2}]}
    back = pos.expect("POST", f"/v1/purchases/{_ORDER}/refunds", refund)
    coffee, waiting = _redeem(pos, member_id, "free_coffee", channel="store")
    card, given = _redeem(pos, member_id, "gift_card_5")
    steps = (quoted, redeemed, *taken, bought, *_refunded(back, bought.balance), waiting, given)
    return Visit(customer, steps, coffee["redemption_id"], card["code"])


def usd(cents: int) -> str:
    """An amount as people write it: `12.50 USD`."""
    return f"{cents // 100}.{cents % 100:02} USD"


def _redeem(pos: Caller, member_id: str, reward_id: str, **more: str) -> tuple[dict[str, Any], Step]:
    """Quote a reward and redeem it; the redemption, which has what the quote told."""
    wish = {"reward_id": reward_id, **more}
    pos.expect("POST", f"/v1/members/{member_id}/redemptions/quote", wish)
    issued = pos.expect("POST", f"/v1/members/{member_id}/redemptions", wish, key=f"demo-{reward_id}")
    return issued, Step(f"{issued['name']}: code {issued['code']}", -issued["points"], _balance(issued))


def _take_voucher(pos: Caller, voucher: dict[str, Any], balance: int) -> tuple[Step, Step]:
    shown = {"code": voucher["code"], "member_id": voucher["member_id"]}
    seen = pos.expect("POST", "/v1/vouchers/validate", shown)
    used = pos.expect("POST", "/v1/vouchers/redeem", shown | {"order_id": _ORDER, "amount": _VOUCHER})
    return (
        Step(f"The till checks the voucher: good until {seen['last_day']}", 0, balance),
        Step(f"The till takes it for order {used['order_id']}, once", 0, balance),
    )


def _buy(pos: Caller, member_id: str, now: str) -> Step:
    order = {
        "order_id": _ORDER,
        "member_id": member_id,
        "currency": "USD",
        "occurred_at": now,
        "channel": "store",
        "lines": [
            {"sku": "espresso-beans", "quantity": 2, "amount": _BEANS},
            {"sku": "mug", "quantity": 1, "amount": _MUG},
        ],
        "paid_with_rewards": _VOUCHER,
    }
    bought = pos.expect("POST", "/v1/purchases", order)
    total = _BEANS + _MUG
    what = f"Order {_ORDER}, {usd(total)}, earns on {usd(total - _VOUCHER)} paid in money"
    return Step(what, sum(each["points"] for each in bought["earned"]), _balance(bought))


def _refunded(back: dict[str, Any], balance: int) -> tuple[Step, Step]:
    """A refund in two rows: what the refunded part had earned goes, what had paid for it returns."""
    taken = sum(each["points"] for each in back["clawed_back"])
    returned = sum(each["amount"] for each in back["returned"])
    return (
        Step(f"Refund of the mug, {usd(back['refunded'])}: what it had earned goes", -taken, balance - taken),
        Step("... and its share of the voucher's points comes back", returned, _balance(back)),
    )


def _balance(answer: dict[str, Any]) -> int:
    # The grocer's program has one currency.
    points: int = answer["balances"][0]["balance"]
    return points
