"""The law as one table: every rule a named row, each row told in the words of ``tests.people``.

``row`` says what a row is, the other modules hold the rows by chapter, ``doors`` sends a row through an entrance. The
table itself is put together, and run, in ``tests/test_doors.py``.
"""
