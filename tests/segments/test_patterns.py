"""A pattern means to PostgreSQL what it means to RE2, or it is refused with the reason."""

from __future__ import annotations

import os

import pytest
import re2
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segments.conditions.patterns import MAX_PATTERN, PatternRefused, write_pattern

EXAMPLES = int(os.environ.get("PATTERN_EXAMPLES", "300"))

SIGNS = [*"aAbя.^$|()[]{}*+?-\\,0 12\n_Їſ", *(f"\\{char}" for char in "dwsDWS.-]nt|")]
GROUPS = [
    "[a-z]",
    "[^a]",
    "(?:",
    "{1,2}",
    "{2}",
    "{0}",
    "[]a]",
    "[^]a]",
    "[a-]",
    "[-a]",
    "[\\d-]",
    "*?",
    "[\\W]",
    "[^\\s]",
]
STRANGE = [
    "[b-я]",
    "[[]",
    "[a-c-]",
    "(?i)",
    "\\b",
    "\\1",
    "(?=a)",
    "[[:alpha:]]",
    "\\pL",
    "(?P<n>",
    "\\x41",
    "\\Q",
    "{,2}",
]
TEXTS = ["", "a", "A", "b", "ab", "ba", "aab", "abab", "я", "Я", "a\nb", "\n", " ", "_", "-", "1", "12", "0a", "a1"]
TEXTS += ["]", "[", "^", "$", "(", ")", "{", "}", "\\", ".", "ї", "Ї", "\t", "\x0b", "é", "a b", "-]", "aя", "٣", "😀a"]


def match(pattern: str, texts: list[str], *, ignore_case: bool = False) -> list[bool]:
    """As the database finds them."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT array_agg((text COLLATE "C") ~ %s ORDER BY place) FROM unnest(%s::text[]) WITH ORDINALITY'
            " AS given (text, place)",
            [write_pattern(pattern, ignore_case=ignore_case), texts],
        )
        found: list[bool] = cursor.fetchone()[0]
        return found


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.sampled_from([*SIGNS, *GROUPS, *STRANGE]), min_size=1, max_size=8))
def test_whatever_is_accepted_means_the_same_to_both(parts: list[str]) -> None:
    pattern = "".join(parts)
    try:
        found = match(pattern, TEXTS)
    except PatternRefused:
        return

    assert found == [re2.search(pattern, text) is not None for text in TEXTS], pattern


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("^C-[0-9]{4}$", "C-1234", "C-12345"),
        ("lviv|київ", "київський", "Київ"),
        ("a.c", "abc", "a\nc"),
        ("\\.ua$", "пошта.ua", "пошта.ua "),
        ("^$", "", " "),
        ("\\d+", "№12", "٣"),
        ("(ab)+c", "xababc", "abac"),
        ("^[^@]+@[^@]+$", "a@b", "a@b@c"),
        ("^ ", " a", "a "),
    ],
)
def test_a_pattern_is_looked_for_anywhere_unless_it_is_anchored(pattern: str, fits: str, fits_not: str) -> None:
    assert match(pattern, [fits, fits_not]) == [True, False]


@pytest.mark.django_db
def test_of_emails_the_case_of_letters_does_not_count() -> None:
    emails = ["Olena@X.ua", "olena@x.UA", "ІВАН@пошта.укр"]

    assert match("^olENA@", emails, ignore_case=True) == [True, True, False]
    assert match("^[о-я]|^[^a-z]", emails, ignore_case=True) == [False, False, True]
    assert match("^ів", emails, ignore_case=True) == [False, False, True]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "This is no pattern of RE2"),
        ("(a)\\1", "This is no pattern of RE2"),
        ("a(?=b)", "This is no pattern of RE2"),
        ("(?<!a)b", "This is no pattern of RE2"),
        ("a**", "no pattern of RE2|A repeat cannot be repeated"),
        ("*a", "This is no pattern of RE2"),
        ("a{1001}", "This is no pattern of RE2"),
        ("a{101}", "A repeat goes up to 100"),
        ("(a{30}){30}", "The pattern grows too large"),
        ("((((a{9}){9}){9}){9}){9}", "no pattern of RE2|grows too large"),
        ("(?i)a", "Groups begin with"),
        ("(?P<name>a)", "Groups begin with"),
        ("\\bword", "is not supported"),
        ("\\pL", "is not supported"),
        ("[[:alpha:]]", "Names of sets"),
        ("(^a)*", "cannot be repeated"),
        ("a{,5}", "A repeat is written"),
        ("{", "has nothing to repeat"),
        ("a" * (MAX_PATTERN + 1), "at most"),
        ("(" * 30 + ")" * 30, "nested too deeply"),
        ("[^\\d\\D]", "matches nothing"),
        ("[a-\\d]", "no pattern of RE2|A range goes"),
        ("a)b", "no pattern of RE2|closes nothing"),
    ],
)
def test_what_both_do_not_know_alike_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternRefused, match=reason) as refused:
        write_pattern(pattern)

    assert str(refused.value).endswith(".")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pattern", ["(a?){100}", "((a|b)*a(a|b){90})", "(((a*)*)*)*b", "(.*a){50}", "(a|a)*$", "(x+x+)+y"]
)
def test_a_pattern_that_ruins_other_engines_is_answered(pattern: str) -> None:
    texts = ["a" * 20_000, "ab" * 10_000, "x" * 20_000]

    assert match(pattern, texts) == [re2.search(pattern, text) is not None for text in texts]
