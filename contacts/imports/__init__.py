"""Files become contacts, or orders: read, laid over the columns of the registry, resolved batch by batch, exactly once.

``flow`` has the verbs of people, ``run.run_import`` is the one of the command. Whatever a file is, ``sources`` makes
a table of it. That and ``reading``, ``columns`` and ``batches`` are pure, so that they also run in a process of their
own without Django. Nothing here decides who a row belongs to, and nothing here sees a request.
"""

__all__ = [
    "archives",
    "batches",
    "cells",
    "columns",
    "effects",
    "encodings",
    "errors",
    "excel",
    "failures",
    "files",
    "flow",
    "formats",
    "guess",
    "jobs",
    "limits",
    "mapping",
    "orders",
    "plan",
    "preview",
    "reading",
    "run",
    "sources",
    "undo",
]
