"""The dictionary of photos, on disk and back, searched, and as the benchmark prints it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from niwt_core.benchmark.neurons import chance_error, judged_tables
from niwt_core.errors import InputError
from niwt_core.neurons import (
    Alternative,
    Causal,
    Dictionary,
    Neuron,
    build,
    load_dictionary,
    material_of,
    plain,
    save_dictionary,
    search,
)
from niwt_core.neurons.building import with_same_names
from niwt_core.neurons.causal import Effects
from niwt_core.neurons.material import binary
from niwt_core.neurons.storage import FILE, fingerprint_of


@pytest.fixture(scope="module")
def photos(small_project, small_data):
    """The small world taken for photos: nothing is redrawn."""
    return build(small_project, material_of(small_data, n_of_class=1))


def test_on_photos_there_is_evidence_and_ablation_but_no_causal_test(photos, small_data):
    assert not photos.causal
    assert len(photos.neurons) == 128
    assert photos.live
    for neuron in photos.live:
        assert neuron.causal is neuron.confidence is None
        assert all(a.effect is None for a in neuron.alternatives)
        assert neuron.best_name in photos.attribute_names
        assert 0 <= neuron.auc <= 1
        assert all(image.seed is None for image in neuron.top_images)
        assert [loss.score for loss in neuron.losses] == sorted(loss.score for loss in neuron.losses)
        assert all(loss.score < 0 and loss.name in small_data.class_names[:8] for loss in neuron.losses)
    assert any(neuron.losses for neuron in photos.live)


def test_naming_and_evidence_images_are_disjoint_and_labelled_by_their_class(small_data):
    material = material_of(small_data)
    naming, evidence = material.naming.source, material.evidence.source
    assert sorted([*naming.indices, *evidence.indices]) == list(range(len(small_data.train.labels)))
    for part in (material.naming, material.evidence):
        rows = small_data.attributes[torch.from_numpy(part.source.labels)]
        torch.testing.assert_close(part.attributes, rows)  # 0 and 1 as they were
    assert material.classes.labels.tolist() == small_data.test_seen.labels[material.numbers].tolist()


def test_continuous_descriptions_are_cut_at_their_mean_over_classes():
    assert binary(torch.tensor([[10.0, 1.0], [20.0, 1.0], [60.0, 1.0]])).tolist() == [[0, 0], [0, 0], [1, 0]]


def test_classes_without_attributes_and_other_attributes_are_refused(small_project, small_data):
    with pytest.raises(InputError, match="no attributes"):
        material_of(replace(small_data, attributes=torch.zeros(11, 0), attribute_names=()))
    material = replace(material_of(small_data), attribute_names=("a::b",))
    with pytest.raises(InputError, match="same ones in the same order"):
        build(small_project, material)


def small_dictionary(fingerprint="", n_channels=6):
    """Two red crowns, one unclear blue back, one dead channel, one forked tail with a red crown as its second."""
    passed = Causal(1.5, 0.1, "crown_color::red", 1.5, True, False)

    def neuron(k, best, name, confidence, alternatives=()):
        return Neuron(
            k, True, (8, 8), best, best, best, name, confidence, 0.9, 0.5, alternatives, replace(passed, strongest=best)
        )

    second = (Alternative("crown_color::red", 0.4, 0.6, 0.3),)
    rows = [
        neuron(0, "crown_color::red", "crown_color::red", 0.9),
        neuron(1, "back_color::blue", None, 0.4),
        Neuron(2, False, (8, 8)),
        neuron(3, "crown_color::red", "crown_color::red", 0.97),
        neuron(4, "tail_shape::forked", "tail_shape::forked", 0.95, second),
        neuron(5, "crown_color::red", None, 0.5),
    ]
    rows += [Neuron(k, False, (8, 8)) for k in range(6, n_channels)]
    names = ("crown_color::red", "back_color::blue", "tail_shape::forked")
    return Dictionary(fingerprint, "mean", True, "drawings", names, with_same_names(rows), {"n": 1})


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("crown_color::red", "red crown"),
        ("eye_ring::none", "no eye ring"),
        ("wing_pattern::white bars", "white bars wing"),
        ("size::small", "small size"),
        ("has_bill_shape::hooked_seabird", "hooked seabird bill"),
        ("has_shape::duck-like", "duck-like shape"),
        ("furry", "furry"),
        ("has_size::small_(5_-_9_in)", "small size"),
        ("has_primary_color::blue", "mainly blue"),
        ("stripes::yes", "stripes"),
        ("stripes::no", "no stripes"),
    ],
)
def test_attributes_in_plain_words(attribute, words):
    assert plain(attribute) == words


@pytest.mark.parametrize(
    ("query", "channels"),
    [
        ("red crown", [3, 0, 5, 4]),  # clear names by confidence, then unclear ones, then second candidates
        ("Crown: RED", [3, 0, 5, 4]),
        ("red cap", [3, 0, 5, 4]),
        ("fork", [4]),
        ("tail shape", [4]),
        ("blue", [1]),
        ("red back", []),
        ("4", [4]),
        ("neuron 04", [4]),
        ("#2", [2]),
        ("40", []),
        ("", []),
        ("!!", []),
    ],
)
def test_search_by_words_and_by_number(query, channels):
    assert [found.neuron.channel for found in search(small_dictionary(), query)] == channels


def test_search_says_why():
    found = search(small_dictionary(), "red crown")
    assert [f.why for f in found] == ["name", "name", "unclear", "alternative"]
    assert [f.attribute for f in found] == ["crown_color::red"] * 4
    assert search(small_dictionary(), "0")[0].why == "number"


def test_neurons_with_the_same_clear_name_know_of_each_other():
    neurons = small_dictionary().neurons
    assert [n.same_name for n in neurons] == [(3,), (), (), (0,), (), ()]


def test_a_dictionary_comes_back_as_it_was_saved(tmp_path, photos, small_project):
    drawn = replace(small_dictionary(fingerprint_of(small_project), 128), attribute_names=small_project.attribute_names)
    for dictionary in (photos, drawn):
        path = save_dictionary(dictionary, tmp_path)
        assert load_dictionary(tmp_path, small_project) == dictionary
        assert len([line for line in path.read_text().splitlines() if '"channel": ' in line]) == 128  # one a line
    assert [p.name for p in tmp_path.iterdir()] == [FILE]


def test_a_stale_dictionary_is_refused(tmp_path, photos, small_project):
    save_dictionary(photos, tmp_path)
    values = small_project.importances.values.clone()
    values[0, 0] += 1e-3
    others = [
        replace(small_project, importances=replace(small_project.importances, values=values)),
        replace(small_project, class_names=small_project.class_names[::-1]),
    ]
    trunk = small_project.backbone.trunk
    weight = next(iter(trunk.parameters()))
    for other in others:
        with pytest.raises(InputError, match="another network or other classes"):
            load_dictionary(tmp_path, other)
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[0, 0, 0, 0] += 1e-4
        try:
            with pytest.raises(InputError, match="another network"):
                load_dictionary(tmp_path, small_project)
        finally:
            weight.copy_(kept)
    load_dictionary(tmp_path, small_project)


def _drop_last(document):
    document["neurons"].pop()


def _unknown_name(document):
    next(n for n in document["neurons"] if n["live"])["best_name"] = "crown_color::plaid"


def _no_number(document):
    next(n for n in document["neurons"] if n["live"])["auc"] = float("nan")


def _beyond_1(document):
    next(n for n in document["neurons"] if n["live"])["auc"] = 1.5


def _other_name(document):
    row = next(n for n in document["neurons"] if n["live"])
    row["name"] = next(a for a in document["attribute_names"] if a != row["best_name"])


def _off_the_grid(document):
    next(n for n in document["neurons"] if n["top_images"])["top_images"][0]["row"] = 8


def _lost_key(document):
    del document["neurons"][5]["live"]


def _claims_a_test(document):
    document["causal"] = True


@pytest.mark.parametrize(
    "damage",
    [_drop_last, _unknown_name, _no_number, _beyond_1, _other_name, _off_the_grid, _lost_key, _claims_a_test],
)
def test_a_damaged_dictionary_is_refused_by_name(tmp_path, photos, small_project, damage):
    path = save_dictionary(photos, tmp_path)
    document = json.loads(path.read_text())
    damage(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"not as expected.*Make it again"):
        load_dictionary(tmp_path, small_project)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "damaged"), ("[]", "no JSON object"), ('{"format": "niwt-neurons", "version": 9}', "version '9'")],
)
def test_what_is_no_dictionary_is_refused(tmp_path, small_project, text, message):
    with pytest.raises(InputError, match="no dictionary of its neurons; expected"):
        load_dictionary(tmp_path, small_project)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=message):
        load_dictionary(tmp_path, small_project)


def test_the_benchmark_counts_what_passes_on_its_own_effects():
    dictionary = small_dictionary()
    # Columns: red crown, blue back, forked tail. Neuron 3's red crown fails here; the unclear ones pass.
    mean = torch.tensor([[2.0, 0, 0, 1, 0, 2], [0, 2, 0, 3, 0, 0], [0, 0, 0, 0, 2, 0]]).double()
    text = "\n".join(judged_tables(dictionary, Effects(mean, torch.full_like(mean, 0.1)), 7))
    assert "5 live of 6 channels, judged on 7 fresh base birds" in text
    assert "| regression on all attributes | 5 of 5 | 4 of 5 | 0.800 |" in text
    assert "| **the same, where the name is clear** | 3 of 5 | 2 of 3 | 0.667 |" in text
    assert "60.0% of live channels (target 55%: met)" in text
    assert "0.667 of them pass (target 0.92: missed)" in text
    # Confidences 0.9, 0.97, 0.95 (two of three pass), 0.4 and 0.5 (both pass): bins of 0.2.
    error = (3 * abs(0.94 - 2 / 3) + 2 * abs(0.45 - 1)) / 5
    assert f"calibration error {error:.3f}" in text


def test_chance_alone_shows_an_error_that_shrinks_with_the_names():
    few, many = (chance_error(torch.full((n,), 0.5, dtype=torch.float64), 100) for n in (10, 1000))
    assert few == pytest.approx(np.sqrt(2 / np.pi) * 0.5 / np.sqrt(10), rel=0.3)
    assert many < 0.25 * few
