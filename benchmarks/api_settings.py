"""The settings as they are, with the plain view that ours are compared with at one more address."""

from crm.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.api_plain"
