"""The command line's options: what is refused, and what a stage is without any."""

import pytest

from infra.stages import Issuer, StageError, stage_from


class CommandLine:
    """The `-c key=value` of a command line."""

    def __init__(self, **options: str) -> None:
        self._options = options

    def try_get_context(self, key: str) -> str | None:
        return self._options.get(key)


def test_without_a_stage_it_is_the_disposable_sandbox_dev() -> None:
    stage = stage_from(CommandLine())
    assert (stage.name, stage.sandbox, stage.retained) == ("dev", True, False)


def test_an_unknown_stage_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(StageError, match=r"'live'.*local, dev, prod"):
        stage_from(CommandLine(stage="live"))


def test_production_with_a_sandbox_is_refused() -> None:
    with pytest.raises(StageError, match="keeps real points"):
        stage_from(CommandLine(stage="prod", sandbox="true"))


def test_a_sandbox_can_be_given_up_in_dev() -> None:
    assert stage_from(CommandLine(stage="dev", sandbox="false")).sandbox is False


def test_the_customers_key_is_the_rule_on_prod_and_can_be_left_out() -> None:
    assert stage_from(CommandLine(stage="prod")).customer_key is True
    assert stage_from(CommandLine(stage="prod", customer_key="false")).customer_key is False


def test_a_switch_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(StageError, match="customer_key=no"):
        stage_from(CommandLine(stage="prod", customer_key="no"))


def test_an_issuer_without_its_audience_is_refused() -> None:
    with pytest.raises(StageError, match="staff_audience"):
        stage_from(CommandLine(stage="dev", staff_issuer="https://id.example"))


def test_an_issuer_of_the_shops_own_is_taken_with_its_audience() -> None:
    stage = stage_from(CommandLine(member_issuer="https://id.example", member_audience="laurel"))
    assert stage.member_issuer == Issuer(url="https://id.example", audience="laurel")
    assert stage.staff_issuer is None


def test_callbacks_are_a_list_with_commas() -> None:
    stage = stage_from(CommandLine(member_callbacks="https://a.example/in, laurel://in"))
    assert stage.member_callbacks == ("https://a.example/in", "laurel://in")


def test_a_run_of_a_campaign_has_eight_workers_or_as_many_as_are_given() -> None:
    assert stage_from(CommandLine(stage="prod")).campaign_workers == 8
    assert stage_from(CommandLine(campaign_workers="50")).campaign_workers == 50
    for nonsense in ("0", "-1", "many", "1000", "1.5"):
        with pytest.raises(StageError, match="no number from 1 to 999"):
            stage_from(CommandLine(campaign_workers=nonsense))


def test_every_kind_of_entry_is_published_unless_some_are_named() -> None:
    assert stage_from(CommandLine(stage="prod")).published == ()
    assert stage_from(CommandLine(published="grant, notice")).published == ("grant", "notice")
    with pytest.raises(StageError, match=r"no entry is a 'grants'; there are purchase, refund"):
        stage_from(CommandLine(published="grants"))


def test_an_index_can_come_with_a_later_deploy() -> None:
    assert stage_from(CommandLine(stage="prod")).index_to_come is None
    assert stage_from(CommandLine(stage="prod", index_to_come="roster")).index_to_come == "roster"
    with pytest.raises(StageError, match="can come later are alarms, roster"):
        stage_from(CommandLine(stage="prod", index_to_come="history"))


def test_nothing_is_mailed_without_a_sender() -> None:
    assert stage_from(CommandLine(stage="prod")).sender is None
    assert stage_from(CommandLine(stage="prod", sender="club@shop.example")).sender == "club@shop.example"
    # It becomes part of a right: nothing in it may stand for anything else.
    for nonsense in ("club", "*@shop.example", "club@*", "club@shop", "a b@shop.example"):
        with pytest.raises(StageError, match="no mail address"):
            stage_from(CommandLine(sender=nonsense))


def test_ticks_come_on_the_quarter_of_an_hour_and_locally_each_minute() -> None:
    for name, minutes in (("prod", 15), ("dev", 15), ("local", 1)):
        stage = stage_from(CommandLine(stage=name))
        assert stage.tick_minutes == minutes
        assert 60 % stage.tick_minutes == 0


def test_tills_have_names_that_can_stand_in_an_output() -> None:
    assert stage_from(CommandLine(tills="north, south2")).tills == ("north", "south2")
    with pytest.raises(StageError, match="no name of letters and digits"):
        stage_from(CommandLine(tills="north east"))
