"""Files become orders: a line an order, or the lines of one number together, recorded batch by batch, exactly once.

Upload, reading of the file, progress and errors are those of every import. Who an order belongs to and what it changes
is decided where orders are recorded (``contacts.activity``); here is only what the columns of a file mean.
"""

__all__ = ["columns", "lines", "mapping", "plan", "preview", "run", "undo", "values"]
