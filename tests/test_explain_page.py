import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import niwt_core.explanation
from niwt_core.explanation import Contributions, Heatmap, Word
from pages.shared import resources
from pages.shared.charts import heats
from pages.shared.explanation import contributing, explaining, looking, pictures, reasons
from pages.shared.wording import of_hundred, signed, whereabouts

APP = str(Path(__file__).parents[1] / "app.py")
BIRD = "size.small~crown_color.black~belly_color.yellow~wing_pattern.white_bars"
OWN = "A picture of your own"


@pytest.fixture
def page() -> AppTest:
    """The Explain page for a described bird."""
    at = AppTest.from_file(APP, default_timeout=300)
    at.query_params["picks"] = BIRD
    at.switch_page("pages/explain.py")
    return at.run()


@pytest.fixture
def upload(page) -> AppTest:
    return page.button_group(key="source").set_value(OWN).run()


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in [*at.markdown, *at.caption])


def words(at: AppTest) -> list[str]:
    return [p.proto.text for p in at.get("progress")]


def png(side: int = 80) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim to be a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_without_a_bird_the_page_says_so():
    at = AppTest.from_file(APP, default_timeout=300)
    at.switch_page("pages/explain.py").run()
    assert not at.exception
    assert len(at.info) == 1
    assert [b.label for b in at.button] == ["Describe a bird", "Use the example"]


def test_a_drawn_bird_is_explained_from_what_it_is_to_why_it_is_not_another(page):
    assert not page.exception
    assert [t.value for t in page.title] == ["Explain what it sees"]
    assert [h.value for h in page.header] == [
        "What it says", "Where it looks", "Why, in words", "Which neurons", "Why this, and not another"
    ]  # fmt: skip
    assert "It says **" in texts(page)
    assert "of what speaks for it lies on the bird" in texts(page)
    assert "Evidence for your bird, in points of score" in texts(page)
    assert "rather than" in texts(page)
    assert len(page.get("plotly_chart")) == 5
    assert not page.warning and not page.error


def test_the_words_have_probabilities_and_are_marked_true_or_not(page):
    assert 1 <= len(words(page)) <= 6
    assert all(("✓ true of this bird" in w) != ("✗ not true of this bird" in w) for w in words(page))
    assert all("given " in w and " of 100" in w for w in words(page))
    values = [p.proto.value for p in page.get("progress")]
    assert all(0 <= v <= 100 for v in values)
    assert "linear map" in texts(page) and "how active it is" in texts(page)


def test_the_sentence_in_words_claims_no_more_than_the_list(page):
    sentence = next(m.value for m in page.markdown if "neurons speak most of" in m.value)
    said = sentence.partition("most of **")[2].partition("**")[0].replace(" and ", ", ").split(", ")
    listed = [w.partition("**")[2].partition("**")[0] for w in words(page)]
    assert set(said) <= set(listed)
    assert f"{resources.project().card['word_trust'][0]['n_words']:,} words" in texts(page)


def chosen_with(attributes) -> pictures.Chosen:
    grey = np.full((320, 320, 3), 128, dtype=np.uint8)
    return pictures.Chosen(
        Image.fromarray(grey), grey, "a bird", "your bird", attributes and frozenset(attributes.items()), None
    )


def test_the_sentence_counts_what_is_true():
    crown, back = Word("crown_color", "black", 0.9, 0.99), Word("back_color", "red", 0.8, 0.9)
    bird = {"crown_color": "black", "back_color": "blue"}
    assert reasons.claim((crown,), chosen_with(bird), "X").endswith("**black crown**. That is true of this bird.")
    assert reasons.claim((crown, back), chosen_with(bird), "X").endswith("Of these 2, 1 is true of this bird.")
    assert "true" not in reasons.claim((crown, back), chosen_with(None), "X")
    assert "no word is sure enough" in reasons.claim((), chosen_with(bird), "X")


def test_probabilities_and_points_are_said_as_people_count():
    assert [of_hundred(p) for p in (0.9999, 0.97, 0.001)] == ["over 99 of 100", "97 of 100", "under 1 of 100"]
    assert [signed(v) for v in (2.84, -10.31, 0.394, -0.001)] == ["+2.8", "−10.3", "+0.39", "0.0"]


def test_what_the_card_says_of_words_is_told_band_by_band():
    bands = [
        {"least": 0.9, "n_true": 95, "n_words": 100, "promised": 0.98},
        {"least": 0.7, "n_true": 6, "n_words": 8, "promised": 0.8},
        {"least": None, "n_true": 0, "n_words": 0, "promised": 0.0},
    ]
    assert explaining.trust_sentence(bands) == (
        "of 100 words given 90 of 100 or more, 95 were true (95 of 100); of 8 words from 70 up, 6 were true (75 of 100)"
    )
    assert explaining.trust_sentence([]) == ""


def test_the_parts_of_a_score_add_up_and_none_is_lost():
    values = torch.tensor([3.0, -2.0, 0.5, 0.25, 0.0])
    parts = contributing.parts_of(Contributions(values, bias=-1.0, remainder=0.25, score=1.0), limit=2)
    assert parts.shown == ((0, 3.0), (1, -2.0))
    assert (parts.others, parts.n_others) == (0.75, 3)
    assert parts.neurons + parts.remainder + parts.threshold == parts.score
    assert contributing.sentence(parts, "For **X**", "against it", None) == (
        "For **X** speak most **neuron 0**; against it speaks most neuron 1."
    )
    bars = contributing.sum_chart(parts, "t", "score").data[0]
    assert sum(bars.x[:-1]) == bars.x[-1] == 1.0
    nothing = contributing.parts_of(Contributions(torch.zeros(3), 0.0, 0.0, 0.0))
    assert contributing.sentence(nothing, "For **X**", "against it", None) == "For **X** no neuron says anything."
    assert contributing.bars(nothing, None, "t", ("a", "b")).data[0].x == ()


def test_the_page_says_the_sum_of_the_neurons(page):
    said = next(c.value for c in page.caption if "together the score" in c.value)
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"[+−]\d+\.\d+", said)]
    assert sum(numbers[:4]) == pytest.approx(numbers[4], abs=0.15)
    assert "remainder* is what no single neuron accounts for" in texts(page)


def test_each_neuron_links_to_its_card_and_keeps_the_bird(page):
    links = [link.proto for link in page.get("page_link") if link.proto.label.startswith("Neuron ")]
    assert len(links) == 8
    assert all(f"neuron={link.label.split()[-1]}" in link.query_string for link in links)
    assert all("picks=" in link.query_string for link in links)


def test_rather_than_another_class(page):
    assert page.selectbox(key="rather_than").value == explaining.DEFAULT
    page.selectbox(key="rather_than").set_value(7).run()
    assert not page.exception
    name = resources.project().class_names[7]
    assert f"For **your bird** rather than **{name}**" in texts(page)
    assert f"**orange** for {name}" in texts(page)
    page.selectbox(key="evidence_for").set_value(7).run()  # the same class on both sides: the runner-up instead
    assert not page.exception
    assert f"For **{name}** rather than **{name}**" not in texts(page)
    assert f"For **{name}** rather than **" in texts(page)


def test_both_classes_side_by_side_share_a_scale_or_not(page):
    page.session_state["both"] = True
    page.run()
    assert not page.exception
    assert "together the lead" in texts(page)
    page.toggle(key="classes_scale").set_value(False).run()
    assert not page.exception
    assert "Each has a scale of its own" in texts(page)


def test_the_six_birds_side_by_side_share_a_scale_or_not(page):
    assert "Bird 6: " not in texts(page)
    page.session_state["six"] = True
    page.run()
    assert not page.exception
    assert texts(page).count("Bird 6: ") == 1
    page.toggle(key="six_scale").set_value(False).run()
    assert not page.exception
    assert "Each has a scale of its own" in texts(page)


def test_a_shared_scale_compares_and_an_own_one_does_not():
    weak, strong = Heatmap(torch.full((4, 4), 0.1), torch.zeros(3)), Heatmap(torch.full((4, 4), -2.0), torch.zeros(3))
    assert heats.full_colour([weak]) == pytest.approx(0.1)
    assert heats.full_colour([weak, strong]) == pytest.approx(2.0)
    assert heats.full_colour([Heatmap(torch.zeros(2, 2), torch.zeros(3))]) == 0.0


@pytest.mark.parametrize("layer", ["", "features.stage1", "features.stage3.0", "features.stage4"])
def test_grad_cam_and_every_layer_can_be_looked_at(page, layer):
    assert layer in ["", *explaining.layers(resources.project().backbone)]
    page.selectbox(key="layer").set_value(layer).run()
    assert not page.exception and not page.error
    page.button_group(key="map").set_value(explaining.CLASSIC).run()
    assert not page.exception and not page.error


def test_the_layers_are_named_once_each_from_the_first_to_the_cut():
    names = explaining.layers(resources.project().backbone)
    assert names[0] == "features.stage1.0"
    assert names[-1] == "features.stage4"
    assert "features.stage3" in names
    assert len(names) == len(set(names))


def test_a_map_that_is_all_against_the_class_says_so(page, monkeypatch):
    honest = niwt_core.explanation.explain

    def against(*args, **kwargs):
        found = honest(*args, **kwargs)
        heat = Heatmap(-found.heat.signed.abs() - 0.1, found.heat.importances)
        return type(found)(heat, found.contributions)

    monkeypatch.setattr(niwt_core.explanation, "explain", against)
    page.run()
    assert not page.exception
    assert "Nothing in this picture speaks for **" in texts(page)
    assert "the whole map is against it" in texts(page)
    page.toggle(key="only_for").set_value(True).run()
    assert not page.exception


def test_a_map_of_nothing_is_told_in_a_sentence():
    nothing = Heatmap(torch.zeros(4, 4), torch.zeros(3))
    assert "zero everywhere" in looking.in_a_sentence(chosen_with(None), nothing, "X")


def test_where_the_evidence_lies_is_told_in_the_birds_share_of_it():
    """A bird on a quarter of the picture, its wing on half of that."""
    bird = np.zeros((4, 4), dtype=bool)
    bird[:2, :2] = True
    wing, tail = bird.copy(), bird.copy()
    wing[1], tail[0] = False, False
    masks = {"bird": bird, "tail": tail, "wing": wing}
    on, off = -torch.ones(4, 4), torch.zeros(4, 4)
    on[0, 0], on[1, 0], on[3, 3] = 6.0, 2.0, 2.0
    off[0, 0], off[3, 3] = 1.0, 9.0
    assert whereabouts(on, masks) == (
        "80 % of what speaks for it lies on the bird (which covers 25 % of the picture), most of that on its wing."
    )
    assert whereabouts(off, masks).startswith(
        "Only 10 % of what speaks for it lies on the bird, which covers 25 % of the picture: less than its share."
    )
    assert whereabouts(on, None) == "The strongest for it lies at the top left."
    assert whereabouts(-on.abs(), masks) == "None of it speaks for it."


def test_evidence_for_another_class_changes_the_words(page):
    before = words(page)
    page.selectbox(key="evidence_for").set_value(3).run()
    assert not page.exception
    assert words(page) != before


def test_another_bird_and_another_six_change_the_picture(page):
    def numbers():
        return [chart.proto.spec for chart in page.get("plotly_chart")]

    first = numbers()
    page.button(key="pick3").click().run()
    second = numbers()
    page.button(key="more").click().run()
    assert not page.exception
    assert first != second != numbers() != first


def test_a_known_species_can_be_chosen(page):
    page.button_group(key="source").set_value("A species it knows").run()
    assert not page.exception
    name = page.selectbox(key="species").value
    assert f"Drawn as {name}" in texts(page)


def test_a_refresh_finds_which_picture_was_asked_for():
    def opened(**address) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=300)
        at.query_params["picks"] = BIRD
        for name, value in address.items():
            at.query_params[name] = value
        at.switch_page("pages/explain.py")
        return at.run()

    assert opened(source=OWN).file_uploader(key="upload")
    known = opened(source="A species it knows")
    name = known.selectbox(key="species").options[3]
    assert f"Drawn as {name}" in texts(opened(source="A species it knows", species=name))
    odd = opened(source="<b>nobody's</b>")
    assert not odd.exception
    assert odd.button_group(key="source").value == "Your bird"


def test_a_picture_of_ones_own_is_explained_without_marks(upload):
    assert not words(upload)
    upload.file_uploader(key="upload").upload("photo.png", png(), "image/png").run()
    assert not upload.exception
    assert "only ever seen paper birds" in upload.info[0].value
    assert words(upload)
    assert not any("true of" in w for w in words(upload))
    assert "The strongest for it lies" in texts(upload)
    assert "nobody has measured" in texts(upload)
    assert not [e for e in upload.expander if "These birds" in e.label]


def test_of_a_large_picture_no_more_is_kept_than_networks_are_shown():
    wide = pictures.uploaded_picture(encoded(Image.linear_gradient("L").resize((4000, 1500))))
    assert wide.seen_by_network.size == (2731, pictures.LARGEST)
    small = Image.linear_gradient("L").resize((300, 20))
    assert pictures.uploaded_picture(encoded(small)).seen_by_network.size == (300, 20)


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.new("RGB", (90, 60), (200, 30, 30)), "one colour everywhere"),
        (Image.new("RGBA", (64, 64), (200, 30, 30, 0)), "one colour everywhere"),
        (Image.new("L", (50, 50), 90), "one colour everywhere"),
        (Image.new("RGB", (1, 1)), "one colour everywhere"),
        (Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)), "The strongest for it lies"),
        (Image.fromarray(np.arange(5 * 3 * 3, dtype=np.uint8).reshape(5, 3, 3)), "tiny (3 × 5 pixels)"),
        (Image.linear_gradient("L").resize((3000, 20)), "It says **"),
        (Image.linear_gradient("L").resize((4000, 4000)), "It says **"),
    ],
    ids=["red", "transparent", "grey", "dot", "ramp", "tiny", "strip", "huge"],
)
def test_an_odd_picture_gives_a_sentence(upload, image, said):
    upload.file_uploader(key="upload").upload("odd.png", encoded(image), "image/png").run()
    assert not upload.exception and not upload.error
    assert said in texts(upload)
    assert len(upload.header) == 5
    if said == "one colour everywhere":
        assert not words(upload)
        assert "nothing to read" in texts(upload)


def test_transparent_parts_are_seen_on_white():
    image = Image.new("RGBA", (64, 64), (200, 30, 30, 0))
    image.paste((10, 20, 30, 255), (0, 0, 32, 64))
    seen = np.asarray(pictures.uploaded_picture(encoded(image)).seen_by_network)
    assert tuple(seen[5, 5]) == (10, 20, 30)
    assert tuple(seen[5, 60]) == (255, 255, 255)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"a small yellow bird", "is no picture"),
        ("half.png", png()[:4000], "damaged or cut short"),
        ("huge.png", png_of(10_000, 10_000), "100 megapixels"),
        ("empty.png", b"", "is no picture"),
        ("large.png", bytes(11 * 2**20), "11.0 MB"),
    ],
)
def test_a_bad_upload_gives_one_sentence(upload, name, content, said):
    upload.file_uploader(key="upload").upload(name, content, "image/png").run()
    assert not upload.exception
    assert len(upload.error) == 1
    assert said in upload.error[0].value
    assert not words(upload)


def test_the_loops_classifier_can_be_chosen_where_there_is_one(page):
    assert [g.key for g in page.get("button_group")] == ["source", "map"]
    page.switch_page("pages/train.py").run()
    page.button(key="step").click().run()
    page.switch_page("pages/explain.py").run()
    page.button_group(key="way").set_value("from the loop").run()
    assert not page.exception
    assert "The loop stands at iteration 1." in texts(page)
    page.selectbox(key="evidence_for").set_value(150).run()  # the described class, after all the seen ones
    by_loop = words(page)
    page.button_group(key="way").set_value("solved at once").run()
    assert by_loop != words(page)
