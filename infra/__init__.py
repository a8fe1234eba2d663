"""The infrastructure of Laurel: two CDK stacks per stage, and the bundles of its functions."""

import os

# CDK's bridge to Node.js ends every run with a box of exclamation marks about a Node.js that is old and still works.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
