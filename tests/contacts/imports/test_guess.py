"""What a new custom field had best be, by its first values."""

import pytest

from contacts.imports.guess import guess_key, guess_type


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["42", "38", ""], "number"),
        (["1", "0"], "number"),
        (["yes", "no"], "boolean"),
        (["true", "false", "true"], "boolean"),
        (["12.50", "3"], "decimal"),
        (["2024-05-01", "1987-12-31"], "date"),
        (["2024-05-01T10:00:00Z"], "datetime"),
        (["M", "L"], "text"),
        (["x" * 500], "long_text"),
        (["00123", "00456"], "text"),
        (["4820000000000000000"], "text"),
        (["+380501112233"], "text"),
        (["42", "n/a"], "text"),
        (["", "  "], "text"),
        ([], "text"),
    ],
)
def test_the_type_is_the_narrowest_that_reads_every_sample(values, expected):
    assert guess_type(values) == expected


@pytest.mark.parametrize(
    ("header", "taken", "expected"),
    [
        ("Shoe size", [], "shoe_size"),
        ("Shoe size", ["shoe_size", "shoe_size_2"], "shoe_size_3"),
        ("Розмір", [], "column_4"),
        ("x" * 80, [], "x" * 50),
        ("x" * 80, ["x" * 50], "x" * 48 + "_2"),
    ],
)
def test_the_key_is_made_of_the_header_and_is_free(header, taken, expected):
    assert guess_key(header, taken, 3) == expected
