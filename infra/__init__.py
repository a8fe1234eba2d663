"""The infrastructure of Laurel: two CDK stacks per stage, and the bundles of its functions."""
