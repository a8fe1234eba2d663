"""What is different between two program documents, part by part.

Documents are compared as they read with every default spelled out, so that saying a default is no change. Parts of a list
that have a name (`id`, `code`, `currency`, `per`) are matched by it, wherever they stand; plain values by themselves. Where
the order of rules decides what a member gets (the rules of points, 15), a rule that changed its place is told as moved.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.domain.program import Program

_NAMES = ("id", "code", "currency", "per")
"""Fields that name a part of a list, the first that names each one differently."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` names parts of a list: `earning_rules.base.per_amount.points`.

    Only `removed` and `changed` have a `before`, only `added` and `changed` an `after`; for `moved` both are places, from 0.
    """

    path: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: Any = None
    after: Any = None


def diff(before: Program, after: Program) -> list[Change]:
    """Every difference, in the order of the documents."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [*_differences("", old, new), *_moves(old, new)]


def same_document(one: Program, other: Program) -> bool:
    """Whether two programs are the same to the letter, defaults spelled out, the order of lists included."""
    return _text(one.model_dump(mode="json")) == _text(other.model_dump(mode="json"))


def _text(value: Any) -> str:
    # As text, 1 and true differ.
    return json.dumps(value, sort_keys=True)


def _differences(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from _differences(f"{path}.{name}".lstrip("."), old.get(name), new.get(name))
    elif isinstance(old, Sequence) and isinstance(new, Sequence) and not isinstance(old, str) and not isinstance(new, str):
        yield from _in_lists(path, old, new)
    elif _text(old) != _text(new):
        yield _change(path, old, new)


def _change(path: str, old: Any, new: Any) -> Change:
    """What is null is not there: a document may as well leave it out."""
    if old is None:
        return Change(path, "added", after=_said(new))
    if new is None:
        return Change(path, "removed", before=_said(old))
    return Change(path, "changed", _said(old), _said(new))


def _in_lists(path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    name = next((name for name in _NAMES if _names_all(name, old) and _names_all(name, new)), None)
    if name is not None:
        ours, theirs = ({f"{path}.{part[name]}": part for part in parts} for parts in (old, new))
        for place in dict.fromkeys((*ours, *theirs)):
            yield from _differences(place, ours.get(place), theirs.get(place))
        return
    gone, come = (Counter(_text(value) for value in values) for values in (old, new))
    yield from (Change(path, "removed", before=_said(json.loads(text))) for text in (gone - come).elements())
    yield from (Change(path, "added", after=_said(json.loads(text))) for text in (come - gone).elements())


def _names_all(name: str, parts: Sequence[Any]) -> bool:
    found = [part[name] for part in parts if isinstance(part, Mapping) and isinstance(part.get(name), str)]
    return len(found) == len(parts) == len(set(found))


def _said(value: Any) -> Any:
    """A value without its empty parts, as a person would write it."""
    if isinstance(value, Mapping):
        return {name: _said(part) for name, part in value.items() if part not in (None, [], {})}
    return [_said(part) for part in value] if isinstance(value, list) else value


def _moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    places, moved = ({rule["id"]: place for place, rule in enumerate(document["earning_rules"])} for document in (old, new))
    found = {
        rule for group in _ordered_groups(new) for rule in _out_of_order([rule for rule in group if rule in places], places)
    }
    yield from (Change(f"earning_rules.{rule}", "moved", places[rule], moved[rule]) for rule in moved if rule in found)


def _ordered_groups(document: Mapping[str, Any]) -> Iterator[list[str]]:
    """Rules whose order decides: where only the best counts, where they multiply what a cap left of others, or share a cap."""
    rules, stacking = document["earning_rules"], document.get("stacking")
    bonuses = [rule for rule in rules if rule["kind"] == "multiplier" or (stacking == "best" and rule["kind"] == "bonus")]
    for currency in {rule["currency"] for rule in bonuses}:
        group = [rule for rule in bonuses if rule["currency"] == currency]
        if stacking == "best" or (stacking == "multiplicative" and any(rule.get("caps") for rule in group)):
            yield [rule["id"] for rule in group]
    for cap in {cap for rule in rules for cap in rule.get("caps") or ()}:
        yield [rule["id"] for rule in rules if cap in (rule.get("caps") or ())]


def _out_of_order(rules: Sequence[str], places: Mapping[str, int]) -> set[str]:
    """The fewest of `rules` whose moves explain that they no longer stand in the order of `places`."""
    # The longest run that kept its order, by patience sorting: `ends` are the last places of runs of each length.
    ends: list[int] = []
    lengths = []
    for rule in rules:
        length = bisect_left(ends, places[rule])
        ends[length : length + 1] = [places[rule]]
        lengths.append(length)
    kept, wanted, before = set(), len(ends) - 1, len(places)
    for rule, length in zip(reversed(rules), reversed(lengths), strict=True):
        if length == wanted and places[rule] < before:
            kept.add(rule)
            wanted, before = wanted - 1, places[rule]
    return set(rules) - kept
