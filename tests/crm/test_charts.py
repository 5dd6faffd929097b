"""Numbers as drawings: where lines and labels stand, and the same as a table."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from crm.admin.charts import Series, draw_bars, draw_lines

DAY = date(2026, 11, 22)
DAYS = [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]


def heights(points: str) -> list[float]:
    return [float(point.partition(",")[2]) for point in points.split()]


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_lines([], [Series("Identified", "first", [])]) is None


def test_series_stand_on_top_of_each_other() -> None:
    chart = draw_lines(DAYS, [Series("Identified", "first", [0, 50, 100]), Series("Anonymous", "second", [0, 50, 100])])

    assert chart
    wide, narrow = chart.drawings
    assert [mark.text for mark in wide.sizes] == ["0", "100", "200"]
    first, second = (heights(layer.line) for layer in wide.layers)
    assert first == [205, 157.5, 110]
    assert second == [205, 110, 15]
    assert wide.layers[1].area.startswith(wide.layers[1].line)
    assert {drawing.frame.name for drawing in chart.drawings} == {"wide", "narrow"}
    assert narrow.frame.width < 390


def test_one_day_is_a_level_line() -> None:
    chart = draw_lines([DAY], [Series("Members", "first", [7])])

    assert chart
    assert len(set(heights(chart.drawings[0].layers[0].line))) == 1
    assert [mark.text for mark in chart.drawings[0].days] == ["2026-11-22"]


def test_nobody_at_all_is_a_line_at_the_bottom() -> None:
    chart = draw_lines(DAYS, [Series("Members", "first", [0, 0, 0])])

    assert chart
    assert heights(chart.drawings[0].layers[0].line) == [205, 205, 205]


def test_labels_of_days_are_few_even_for_years() -> None:
    days = [DAY - timedelta(days=number) for number in reversed(range(700))]
    chart = draw_lines(days, [Series("Members", "first", [5] * 700)])

    assert chart
    wide, narrow = chart.drawings
    assert (len(wide.days), len(narrow.days)) == (6, 2)
    assert [wide.days[0].anchor, wide.days[-1].anchor] == ["start", "end"]
    assert narrow.days[-1].text == "2026-11-22"


def test_the_table_says_the_same_the_newest_day_first() -> None:
    chart = draw_lines(DAYS, [Series("Identified", "first", [1, 2, 5_000_000])])

    assert chart
    assert chart.rows[0] == ("2026-11-22", ["5,000,000"])
    assert len(chart.rows) == 3


@pytest.mark.parametrize(
    ("count", "whole", "percent", "width"),
    [
        (0, 10, "0 %", "0.00"),
        (10, 10, "100 %", "100.00"),
        (1, 3, "33.3 %", "33.33"),
        (1, 5_000_000, "< 0.1 %", "0.00"),
        (4_999_999, 5_000_000, "> 99.9 %", "100.00"),
        (0, 0, "—", "0.00"),
        (12, 10, "120.0 %", "100.00"),
    ],
)
def test_a_bar_says_its_share(count: int, whole: int, percent: str, width: str) -> None:
    [bar] = draw_bars({"Email": count}, whole)

    assert (bar.percent, bar.width) == (percent, width)
