"""Contacts leave for the company's warehouse: whole tables in another database, kept up to date run by run.

What can leave stands in ``data_sets``, what changed since in ``changes``; ``postgresql`` and ``bigquery`` each fill the
one protocol of ``types``, and ``run`` brings them together. Nothing here writes a contact or sees a request.
"""

__all__: list[str] = []
