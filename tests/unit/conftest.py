"""Property tests give the same examples in every run, and no verdict about how busy the machine is."""

from hypothesis import settings

settings.register_profile("laurel", deadline=None, derandomize=True, database=None)
settings.load_profile("laurel")
