"""The outside world behind the ports. The only place that imports boto3."""
