"""Files become contacts: read, laid over the columns of the registry, resolved batch by batch, exactly once.

``run.run_import`` is the verb; ``reading``, ``columns`` and ``batches`` are pure, so that they also run in a process of
their own without Django. Nothing here decides who a row belongs to, and nothing here sees a request.
"""

__all__ = ["batches", "columns", "errors", "failures", "plan", "reading", "run"]
