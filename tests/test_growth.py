"""The growth benchmark in small: its law, its memory, every row of its report, and that the core's streams are flat."""

import math
import sys
import types
from dataclasses import replace

import matplotlib
import pytest
from growth_deeds import end, hold, importances, statistics

from benchmarks.growth import classes, report
from benchmarks.growth.__main__ import main
from benchmarks.growth.charts import draw
from benchmarks.growth.law import power
from benchmarks.growth.measuring import MB, Deed, Point, measure
from benchmarks.growth.sections import CHANNELS, CLASSES, REAL, SECTIONS, grown, measured

#: What two peaks of the same work may differ by. The 350 images more would take 11 MB if their activations were kept,
#: their Jacobians 46 MB.
GRAIN_MB = 4


@pytest.fixture(autouse=True)
def no_script(monkeypatch):
    """What a fresh process would run first: Streamlit's tests leave app.py there."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))


@pytest.mark.parametrize("planted", [0.0, 1.0, 2.5])
def test_the_slope_is_the_planted_power(planted):
    sizes = (10, 100, 316, 1000, 3162)
    values = [7 * size**planted + (1e6 if size < 316 else 0) for size in sizes]  # small sizes do not count
    assert power(sizes, values) == pytest.approx(planted, abs=1e-9)
    assert power(sizes[:1], values[:1]) is None


def test_a_childs_time_and_memory_are_those_of_its_work():
    small, large = (measure(Deed("hold", hold, 1, None, None, None), n) for n in (20, 100))
    assert small.peak / MB == pytest.approx(20, abs=3)
    assert large.peak / MB == pytest.approx(100, abs=3)  # not what this process has had, whatever that was
    assert 0.1 <= small.seconds < 5


def test_a_child_that_ends_is_a_size_that_was_not_reached():
    assert measure(Deed("end", end, 1, None, None, None), 2) is None


@pytest.mark.parametrize("prepare", [statistics, importances])
def test_the_cores_streams_hold_no_more_for_more_images(prepare):
    deed = Deed(prepare.__name__, prepare, 20, None, None, None)
    few, many = measure(deed, 50), measure(deed, 400)
    assert many.seconds > 2 * few.seconds
    assert (many.peak - few.peak) / MB < GRAIN_MB


def points_of(section):
    """Planted: each deed's time by its law or linear, 16 MB at the first size, as its law says from there."""
    first = section.sizes[0]
    return {
        (deed.name, size): Point(
            size,
            1e-4 * size ** (1 if deed.time_law is None else deed.time_law),
            int(16 * MB * (size / first) ** (deed.memory_law or 0)),
        )
        for deed in section.deeds
        for size in section.sizes_of(deed)
    }


@pytest.fixture(scope="module")
def planted():
    return {section: grown(section, points_of(section)) for section in SECTIONS}


def test_every_row_says_the_planted_powers_beside_the_expected_ones(planted):
    for section in SECTIONS:
        for growth in planted[section]:
            if growth.deed.time_law is not None and len(growth.points) > 1:
                assert growth.time_power == pytest.approx(growth.deed.time_law)
                assert growth.memory_power == pytest.approx(growth.deed.memory_law or 0, abs=1e-3)
    text = report.markdown(planted, with_charts=True)
    for section in (s for s in SECTIONS if s is not REAL):
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        for deed in section.deeds:
            assert sum(row.startswith(f"| {deed.name} |") for row in rows) == 2, deed.name  # time, memory
    assert all(f"| {name}, {layer} |" in text for name, layer in (("vgg16", "features.29"), ("resnet50", "layer3")))


def test_times_are_compared_with_the_bare_forward_pass_before_them(planted):
    found = {growth.deed.name: growth for growth in planted[CLASSES]}
    bare, judged = (growth for name, growth in found.items() if name.startswith("bare"))
    assert set(bare.forwards) == set(judged.forwards) == {1.0}
    joint = found["these classified among all: S, U, H"]
    assert joint.forwards[-1] == pytest.approx(joint.seconds[-1] / judged.seconds[-1])
    path = found["all classes solved, five strengths"]
    assert path.forwards[-1] == pytest.approx(path.seconds[-1] / bare.seconds[-1] * classes.N_IMAGES)  # of one image


def test_what_was_not_reached_is_said(planted):
    points = points_of(CHANNELS)
    name, size = CHANNELS.deeds[-1].name, CHANNELS.sizes[-1]
    table = report.time_table(CHANNELS, grown(CHANNELS, {**points, (name, size): None}))
    row = next(line for line in table.splitlines() if line.startswith(f"| {name}"))
    assert "not reached" in row
    assert "nan" not in table


def test_charts_name_every_line(planted, tmp_path):
    for section in SECTIONS[:3]:
        path = tmp_path / f"{section.key}.svg"
        with matplotlib.rc_context():
            draw(section, planted[section], path, planted[REAL] if section is CHANNELS else ())
        drawn = path.read_text()
        assert len(drawn) < 150_000
        assert "<!-- seconds, one thread -->" in drawn
        for growth in planted[section]:
            assert f"<!-- {growth.deed.name} -->" in drawn


def test_a_tiny_run_measures_every_row(capsys):
    tiny = replace(CHANNELS, sizes=(8, 16))
    growths = measured(tiny)
    assert [growth.deed for growth in growths] == list(tiny.deeds)
    for growth in growths:
        assert growth.sizes == (8, 16)
        assert all(seconds > 0 for seconds in growth.seconds)
        assert all(math.isfinite(value) for value in growth.forwards)
    assert "channels 12/12: 16" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_refused_before_anything_is_measured(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--write", str(tmp_path / "nowhere")])
    assert "expected one to write growth.md into" in capsys.readouterr().err
