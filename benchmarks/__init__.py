"""What claims to be fast is measured here, by hand, beside what it is compared with in the same run.

Every benchmark makes a database of its own on the configured server and drops it, takes ``--json``, and then prints as
its last line one object whose ``ratios``, ``ms`` or ``per_second`` hold the figures by name.
"""
