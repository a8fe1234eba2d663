"""Controls of campaigns as items of the table."""

from shared.adapters.dynamodb.items import Item, instant_of
from shared.adapters.dynamodb.table import control_key
from shared.domain.calendar import instant_text
from shared.domain.control import Act, Control, Step


def control_item(control: Control) -> Item:
    """A control's whole item; each step is `[act, instant, by, reason]`, and a start's trigger behind them."""
    return {
        **control_key(control.campaign),
        "version": control.version,
        "steps": [_step_list(step) for step in control.steps],
    }


def _step_list(step: Step) -> list[str]:
    return [step.act, instant_text(step.at), step.by, step.reason, *([step.kind] if step.kind else [])]


def control_of(item: Item) -> Control:
    """The control that an item holds."""
    steps = tuple(Step(Act(act), instant_of(at), *words) for act, at, *words in item["steps"])
    return Control(item["pk"].removeprefix("CAMPAIGN#"), steps, int(item["version"]))
