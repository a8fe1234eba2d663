"""The local cloud: MiniStack with IAM enforced, the real `cdk deploy`, a demo, all in one folder."""
