"""CSV files of series: every fault is named with its row, and what is right is read as it is."""

from __future__ import annotations

import numpy as np
import pytest

from training.data import series

DAYS = [f"2024-01-{day:02d}" for day in range(1, 31)]


def table(path, rows, head="day,load,sun", mark="\n"):
    file = path / "own.csv"
    file.write_text(mark.join([head, *rows]) + mark, encoding="utf-8")
    return file


def rows(**changed):
    """Thirty days; `changed` replaces whole lines, counted from the header's 1 on."""
    made = [f"{day},{10 + n % 7}.5,{n}" for n, day in enumerate(DAYS)]
    for line, text in changed.items():
        made[int(line.removeprefix("line")) - 2] = text
    return [line for line in made if line is not None]


def test_a_file_is_read_as_it_is(tmp_path):
    found = series.read_csv(table(tmp_path, rows()), "day")
    assert found.columns == ("load", "sun") and found.values.shape == (30, 2)
    assert found.values[8].tolist() == [11.5, 8.0]
    assert found.step == 86_400 and str(found.times[-1]) == "2024-01-30T00:00:00"
    assert found.filled == 0


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_and_ends_of_lines(tmp_path, mark):
    made = [row.replace(",", mark) for row in rows()]
    path = table(tmp_path, made, f"day{mark}load{mark}sun", "\r\n")
    assert series.read_csv(path, "day", ["sun"]).columns == ("sun",)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"line5": "2024-01-04,high,3"}, r"line 5 of own.csv, column load: 'high' is no number"),
        ({"line5": '2024-01-04,"13,5",3'}, r"'13,5' is no number; decimals have a point"),
        ({"line7": "2024-01-06,,5"}, r"line 7 of own.csv, column load, has no value; --missing"),
        ({"line7": "2024-01-06,NaN,5"}, r"line 7 of own.csv, column load, has no value; --missing"),
        ({"line7": "2024-01-06,inf,5"}, r"line 7 of own.csv, column load: the value is infinite"),
        ({"line9": "2024-01-07,1,2"}, r"lines 9 and 8 of own.csv have the same time, 2024-01-07"),
        ({"line9": "2024-01-02,1,2"}, r"line 9 of own.csv \(2024-01-02\) is before the line above"),
        ({"line9": None}, r"1 steps of 1 days are missing after line 8 of own.csv; --missing"),
        ({"line9": "2024-01-08 06:00:00,1,2"}, r"steps are not even: from line 8 to 9 of own.csv"),
        ({"line9": "soon,1,2"}, r"line 9 of own.csv, column day: 'soon' is no time; write 2020"),
        ({"line9": "2024-02-31,1,2"}, r"line 9 of own.csv, column day: '2024-02-31' is no time"),
        ({"line9": "2024-01-08,1"}, r"line 9 of own.csv has 2 columns, the header has 3"),
    ],
)
def test_faults_are_named_with_their_row(tmp_path, changed, said):
    with pytest.raises(ValueError, match=said):
        series.read_csv(table(tmp_path, rows(**changed)), "day")


@pytest.mark.parametrize(
    ("head", "time", "target", "said"),
    [
        ("day,load,sun", "when", (), r"--time: own.csv has no column 'when'; it has day, load"),
        ("day,load,sun", "day", ("rain",), r"--target: own.csv has no column 'rain'; it has day"),
        ("day,load,sun", "day", ("day",), r"--target: 'day' is the column of times"),
        ("day,load,load", "day", (), r"own.csv has two columns called 'load'"),
        ("day,load,sun", None, (), r"column day: '2024-01-01' is no number.*with --time"),
    ],
)
def test_columns_that_are_not_there_are_named(tmp_path, head, time, target, said):
    with pytest.raises(ValueError, match=said):
        series.read_csv(table(tmp_path, rows(), head), time, target)


def test_a_constant_series_and_too_few_rows_are_refused(tmp_path):
    same = [f"{day},1,{n}" for n, day in enumerate(DAYS)]
    with pytest.raises(ValueError, match=r"load of own.csv is 1 in every row.*--target"):
        series.read_csv(table(tmp_path, same), "day")
    with pytest.raises(ValueError, match=r"at least 20 rows, and own.csv has 9"):
        series.read_csv(table(tmp_path, rows()[:9]), "day")
    with pytest.raises(ValueError, match="a table has a header and rows"):
        series.read_csv(table(tmp_path, []), "day")
    with pytest.raises(ValueError, match="there is no such file"):
        series.read_csv(tmp_path / "other.csv", "day")


def test_missing_values_and_steps_repeat_the_one_before(tmp_path):
    changed = rows(line2="2024-01-01,,0", line7="2024-01-06,,5", line9=None)
    found = series.read_csv(table(tmp_path, changed), "day", missing="previous")
    assert len(found.values) == 30 and found.filled == 4
    assert found.values[0].tolist() == [11.5, 0.0]  # nothing before it: the next one
    assert found.values[5].tolist() == [14.5, 5.0]
    assert found.values[7].tolist() == found.values[6].tolist()
    assert (np.diff(found.times) == np.timedelta64(1, "D")).all()


def test_months_are_even_steps(tmp_path):
    made = [f"{2020 + n // 12}-{n % 12 + 1:02d}-01,{n % 5},{n}" for n in range(40)]
    found = series.read_csv(table(tmp_path, made), "day")
    assert found.step is None and len(found.values) == 40


def test_numbers_may_be_times(tmp_path):
    made = [f"{1990 + n},{n % 5},{n}" for n in range(30)]
    found = series.read_csv(table(tmp_path, made), "day")
    assert found.times is None and found.columns == ("load", "sun")
    with pytest.raises(ValueError, match="3 steps of 1 are missing"):
        series.read_csv(table(tmp_path, [*made, "2023,1,2"]), "day")
