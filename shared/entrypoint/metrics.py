"""Figures that alarms watch, as lines of the log in CloudWatch's embedded metric format: no call, no right, no waiting."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from shared.entrypoint import wiring

NAMESPACE = "Laurel"
"""Where all of them are; each has the one dimension `stage`."""


def count(name: str, times: int = 1) -> None:
    """Something happened so many times on this stage."""
    with single_metric(name=name, unit=MetricUnit.Count, value=times, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="stage", value=wiring.wired().settings.stage)
