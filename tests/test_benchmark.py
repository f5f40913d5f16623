import pytest
import torch

from niwt_core.__main__ import BUNDLED
from niwt_core.benchmark import _gzsl_table, _merge, race
from niwt_core.gzsl import GZSLResult
from niwt_core.images import activation_batches
from niwt_core.project import load_project


def test_the_closed_form_beats_the_loop_by_far_on_the_bundled_network(small_data):
    """The claim of the README, in small: on fresh images at most the loop's objective, at least 1,000 times faster."""
    project = load_project(BUNDLED)
    activations = torch.cat([a for a, _ in activation_batches(small_data.train, project.backbone)])
    result = race(project, activations[:16], activations[16:])
    assert result.n_classes == 50
    assert result.iterations > 40
    assert result.closed_objective <= result.loop_objective
    assert result.ratio > 1000


def test_the_table_shows_means_in_the_fields_order():
    one = GZSLResult(0.5, 0.25, 1 / 3, 0.75, 0.9, 10, 10)
    other = GZSLResult(0.7, 0.35, 0.4667, 0.85, 0.9, 10, 10)
    lines = _gzsl_table([("attributes", [one, other])]).splitlines()
    assert lines[0] == "| description | S | U | H | unseen only |"
    assert lines[2] == "| attributes | 0.600 | 0.300 | 0.400 | 0.800 |"


def test_captions_of_one_bird_complete_each_other():
    merged = _merge(["a small bird with a black cap", "a bird with a red belly and a black cap"])
    assert merged == {"size": "small", "crown_color": "black", "belly_color": "red"}


def test_photos_that_are_not_there_are_said_to_be_missing(tmp_path, monkeypatch):
    from niwt_core import benchmark

    monkeypatch.setattr(benchmark, "_birds", lambda *_: ["birds"])
    text = benchmark.run_benchmark(tmp_path / "absent", None, "", "", "", 0, BUNDLED, lambda *_: None)
    assert text.splitlines()[0] == "birds"
    assert "not measured" in text
    assert str(tmp_path / "absent") in text


@pytest.mark.parametrize("seed", [0, 1])
def test_the_example_of_the_readme_finds_its_birds(seed):
    from niwt_core.benchmark import EXAMPLE
    from niwt_core.birds.described import description_of, fresh_features, try_out
    from niwt_core.birds.reading import read
    from niwt_core.birds.world import FRESH_SEED

    project = load_project(BUNDLED)
    bird = read(EXAMPLE).attributes
    new = project.learner.classifier(["described"], description_of(project, bird))
    features = fresh_features(project, bird, 50, FRESH_SEED + 100_000 * (seed + 1))
    assert try_out(project, new, features).found >= 35


def test_strangers_are_drawings_of_the_unseen_species():
    from niwt_core.birds.described import stranger_features

    project = load_project(BUNDLED)
    features = stranger_features(project)
    assert features.shape == (100, project.backbone.n_features)
    own = project.new(features).argmax(1)  # among the unseen species, most are found in their own place
    assert (own == torch.arange(50).repeat_interleave(2)).float().mean() > 0.8
