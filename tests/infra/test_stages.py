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


def test_tills_have_names_that_can_stand_in_an_output() -> None:
    assert stage_from(CommandLine(tills="north, south2")).tills == ("north", "south2")
    with pytest.raises(StageError, match="no name of letters and digits"):
        stage_from(CommandLine(tills="north east"))
