"""Clients of AWS: explicit retries and time-outs, and the bundle's own small copy of botocore's data."""

from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

BUNDLED_DATA = Path(__file__).parents[2] / "botocore_data"
"""In a bundle: the descriptions of the services used. Reading all of botocore's doubles the time to make a client."""

CONFIG = Config(
    # The defaults differ between releases; a request of ours must end well before its function does.
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=1,
    read_timeout=2,
    # Identical requests are checked by our own tests; the check costs a warm request up to a tenth of its time.
    parameter_validation=False,
)
PATIENT = CONFIG.merge(Config(read_timeout=5))
"""For what is done beside a request: nobody waits for it."""


def client_of(service: str, config: Config = CONFIG) -> Any:
    """A low-level client of a service, for the region and credentials of the environment."""
    return _session().create_client(service, config=config)


@cache
def _session() -> botocore.session.Session:
    """One for all clients: they share what is parsed."""
    session = botocore.session.get_session()
    if BUNDLED_DATA.is_dir():
        loader = Loader(extra_search_paths=[str(BUNDLED_DATA)], include_default_search_paths=False)
        session.register_component("data_loader", loader)
    return session
