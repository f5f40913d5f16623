"""Saving charts: the numbers by the server, the pictures by the browser."""

import csv
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.shared.charts.downloads import csv_of, file_name


def read(fig: go.Figure) -> list[list[str]]:
    data = csv_of(fig)
    assert data.startswith(b"\xef\xbb\xbf")  # spreadsheets take a file without it for another alphabet
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_points_of_several_traces_stand_one_below_the_other_with_their_axes_named():
    fig = go.Figure()
    fig.add_scatter(x=[1, 2], y=np.array([0.25, 0.1], dtype=np.float32), name="loop")
    fig.add_scatter(x=[3], y=[5], name="closed<br>form")
    fig.update_xaxes(title="iterations")
    assert read(fig) == [
        ["trace", "x (iterations)", "y"],
        ["loop", "1", "0.25"],
        ["loop", "2", "0.1"],
        ["closed · form", "3", "5"],
    ]


def test_cells_of_a_heat_map_stand_row_by_row_and_empty_ones_are_left_out():
    fig = go.Figure(go.Heatmap(z=[[1.5, np.nan], [-2, 0]], x=["a", "b"], y=["A", "B"], text=[["one", ""], ["", "=x"]]))
    assert read(fig) == [
        ["trace", "x", "y", "z", "text"],
        ["trace 1", "a", "A", "1.5", "one"],
        ["trace 1", "a", "B", "-2", ""],
        ["trace 1", "b", "B", "0", "'=x"],
    ]


def test_a_heat_map_without_axes_counts_its_cells():
    assert read(go.Figure(go.Heatmap(z=[[7, 8]])))[1:] == [["trace 1", "0", "0", "7"], ["trace 1", "1", "0", "8"]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_text_that_a_spreadsheet_would_run_is_quoted_and_numbers_are_not(start):
    evil = f"{start}HYPERLINK(1)"
    fig = go.Figure(go.Bar(x=[-1.5], y=[evil], text=[f"  \t{evil}"], name=evil))
    assert read(fig)[1] == [f"'{evil}", "-1.5", f"'{evil}", f"'{evil}"]


def test_markup_in_labels_is_left_out_but_not_what_only_looks_like_it():
    fig = go.Figure(go.Bar(x=[1], y=["<b>a &lt; b</b>"], text=["1 < 2"]))
    assert read(fig)[1] == ["trace 1", "1", "a < b", "1 < 2"]


def test_a_chart_of_nothing_has_a_head_alone():
    assert read(go.Figure()) == [["trace"]]
    assert read(go.Figure(go.Scatter(x=[np.nan], y=[np.nan]))) == [["trace"]]


def test_file_names_are_plain_and_short():
    assert file_name("Héron  & <b>Co</b>: 5 %") == "heron-b-co-b-5"
    assert file_name("../../etc/passwd") == "etc-passwd"
    assert file_name("鳥") == "chart"
    assert len(file_name("a" * 200)) == 60


def chart_page(saves: bool) -> None:
    import plotly.graph_objects as go

    from pages.shared import style

    style.chart(go.Figure(go.Bar(x=[1], y=[2]), {"title": {"text": "Ones"}}), "One bar.", key="ones", saves=saves)


def test_each_chart_has_its_menu_unless_it_is_drawn_live():
    with_menu = AppTest.from_function(chart_page, kwargs={"saves": True}).run()
    assert not with_menu.exception
    assert [b.label for b in with_menu.get("download_button")] == ["Its numbers (CSV)"]
    live = AppTest.from_function(chart_page, kwargs={"saves": False}).run()
    assert not live.exception
    assert not live.get("download_button")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_a_drawing_and_a_table_really_arrive(browser_page: Any, app_url: str, tmp_path, scheme: str) -> None:
    page = browser_page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{app_url}/importances?picks=size.small~crown_color.black")
    chart = page.locator(".st-key-barcodes .js-plotly-plot")
    chart.locator(".main-svg").first.wait_for(timeout=90_000)
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Save this chart").first.click()
    files = {}
    for label in ("Picture (PNG)", "Drawing (SVG)", "Its numbers (CSV)"):
        with page.expect_download(timeout=20_000) as arriving:
            page.get_by_role("button", name=label).click()
        name = arriving.value.suggested_filename
        files[name.partition(".")[2]] = tmp_path / name
        arriving.value.save_as(tmp_path / name)
        assert name.startswith("importance-of-every-neuron")

    picture = Image.open(files["png"])
    width = chart.bounding_box()["width"]
    assert picture.format == "PNG" and abs(picture.width - 2 * (width + 32)) <= 2
    pixels = np.asarray(picture.convert("RGB"), dtype=int)
    assert (pixels[0, 0].mean() < 60) == (scheme == "dark")  # on the page's own ground
    blue, red = pixels[..., 2] - pixels[..., 0], pixels[..., 0] - pixels[..., 2]
    assert (blue > 80).sum() > 1000 and (red > 80).sum() > 1000  # cells for, cells against

    drawing = ElementTree.parse(files["svg"]).getroot()
    words = " ".join("".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}text"))
    assert "Importance of every neuron" in words and "predicted from the words" in words and "strips of 128" in words
    assert float(drawing.get("width")) * 2 == picture.width

    table = list(csv.reader(io.StringIO(files["csv"].read_text("utf-8-sig"))))
    assert table[0][:4] == ["trace", "x", "y", "z"]
    assert len(table) > 128 and all(float(row[3]) for row in table[1:])
