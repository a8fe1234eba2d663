"""The state machine that runs a campaign over many members: its definition, as data.

Its input is `{"run": "<name>", "shards": [0, 1, ...], "list": null | "<key of a JSON array of member ids>"}`. Shards, or
batches of the list, are worked through at the same time, each in an execution of its own; then the run is finished. A worker
that runs out of time answers `done: false`, and is called again with what it answered.
"""

from __future__ import annotations

from typing import Any

BATCH_MAX = 100
"""Members of a list that one call of the worker gets."""
CALL_SECONDS = 330
"""Above the worker's own time limit."""
RUN_SECONDS = 24 * 60 * 60
RESULTS = "results/"
"""Where in the bucket the answers of a list's workers are written: of a large list they are more than a state may hold."""

State = dict[str, Any]

RETRIES: list[State] = [
    {
        # All of the worker's own concurrency is taken, by another campaign say: no failure, but a wait.
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "IntervalSeconds": 5,
        "BackoffRate": 1.5,
        "MaxDelaySeconds": 60,
        "MaxAttempts": 1_000,
        "JitterStrategy": "FULL",
    },
    {
        # Whatever else goes wrong may pass: a member is given a bonus once, so a call may be repeated.
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxDelaySeconds": 120,
        "MaxAttempts": 8,
        "JitterStrategy": "FULL",
    },
]


def machine_definition(*, worker: str, bucket: str, workers: int, batched: bool) -> State:
    """The definition, in Amazon's States Language, for the function `worker` and the `bucket` of lists.

    `workers` run at the same time. Without `batched` a list's members come one by one: the local cloud has no batches.
    """
    return {
        "Comment": "One run of a campaign",
        "TimeoutSeconds": RUN_SECONDS,
        "StartAt": "Over a list?",
        "States": {
            "Over a list?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.list", "IsString": True, "Next": "Over its members"}],
                "Default": "Over all shards",
            },
            "Over all shards": {
                **_map("Shards", workers, _loop("a shard", worker)),
                "ItemsPath": "$.shards",
                "ItemSelector": {"task": "shard", "run.$": "$.run", "shard.$": "$$.Map.Item.Value", "cursor": None},
            },
            "Over its members": {
                **_map("Members", workers, _unpack(batched=batched), _loop("a batch", worker)),
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket": bucket, "Key.$": "$.list"},
                },
                "ItemSelector": {"run.$": "$.run", "member.$": "$$.Map.Item.Value"},
                **({"ItemBatcher": {"MaxItemsPerBatch": BATCH_MAX}} if batched else {}),
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Parameters": {"Bucket": bucket, "Prefix": RESULTS.rstrip("/")},
                },
            },
            "Finish": {"Type": "Pass", "Parameters": {"task": "finish", "run.$": "$.run"}, "Next": "Work on the end"},
            **_loop("the end", worker),
        },
    }


def _map(label: str, workers: int, *parts: State) -> State:
    """A Distributed Map: no child that fails is tolerated, so a run that is finished has reached everyone."""
    states = {name: state for part in parts for name, state in part.items()}
    return {
        "Type": "Map",
        "Label": label,
        "MaxConcurrency": workers,
        "ItemProcessor": {
            # Not EXPRESS, which ends after five minutes: a shard may take hours.
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "ResultPath": None,
        "Next": "Finish",
    }


def _loop(what: str, worker: str) -> State:
    """Call the worker until it is done, with what it answered last. Names are unique in the whole machine."""
    work, asked, done = f"Work on {what}", f"Done with {what}?", f"Done with {what}"
    return {
        work: {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": worker, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "TimeoutSeconds": CALL_SECONDS,
            "Retry": RETRIES,
            "Next": asked,
        },
        asked: {
            "Type": "Choice",
            "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": done}],
            "Default": work,
        },
        done: {"Type": "Succeed"},
    }


def _unpack(*, batched: bool) -> State:
    # A batch comes as `{"Items": [{"run": ..., "member": ...}, ...]}`.
    run, members = ("$.Items[0].run", "$.Items[*].member") if batched else ("$.run", "States.Array($.member)")
    call = {"task": "list", "run.$": run, "members.$": members}
    return {"Unpack a batch": {"Type": "Pass", "Parameters": call, "Next": "Work on a batch"}}
