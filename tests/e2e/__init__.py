"""The stacks as they are deployed, called over HTTP, with signatures, tokens and IAM policies enforced."""
