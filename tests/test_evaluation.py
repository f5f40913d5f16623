"""The evaluation on planted scores: ends of the curve, its area by hand, each class's numbers, who wins by chance."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from niwt_core.errors import InputError
from niwt_core.evaluation import (
    NIWT,
    PRIOR,
    Confusion,
    Contender,
    Evaluation,
    Rule,
    confusions,
    contenders,
    judge,
    lead,
    middle,
    n_contenders,
    per_class,
    rule_of,
    seen_unseen_curve,
)
from niwt_core.gzsl import evaluate, join
from niwt_core.methods.baselines import BASELINES
from niwt_core.methods.contest import contest_bytes, load_contest
from niwt_core.pipeline import features_of_tests
from niwt_core.project import contest_file, load_project, save_project

#: Two seen classes (0, 1) and two unseen ones (2, 3), one image each. Without a constant the first three go to seen
#: classes. Gaps between the best seen and the best unseen score: 3, 1, 2, -1; image 1 is wrong among the seen classes,
#: image 3 right among the unseen ones.
SCORES = torch.tensor([[5.0, 0, 2, 1], [4, 3, 1, 3], [4, 0, 2, 0], [0, 1, 0, 2]])
LABELS = torch.arange(4)


def test_the_curve_of_a_case_worked_by_hand():
    """From all unseen lost to all seen lost: the constant passes the gaps -1, 1, 2 and 3 one by one.

    S: only image 0 is ever right, until the constant passes 3. U: image 3 from -1 on, image 2 from 2 on; the gap of
    image 1 moves neither. So (S, U) is (1/2, 0), (1/2, 1/2), (1/2, 1), (0, 1); only the last step, at U = 1, has a
    width: 1/2.
    """
    curve = seen_unseen_curve(SCORES, LABELS, 2, (0.5, 0.5))
    assert list(zip(curve.seen, curve.unseen, strict=True)) == [(0.5, 0), (0.5, 0.5), (0.5, 1), (0, 1)]
    assert curve.area == 0.5
    assert curve.chosen == (0.5, 0.5)


def test_a_slanted_step_of_the_curve_counts_as_a_trapezoid():
    """Images of a seen and an unseen class at the same gap change sides together: no constant is between them."""
    scores, labels = torch.tensor([[2.0, 1], [2, 1]]), torch.tensor([0, 1])
    curve = seen_unseen_curve(scores, labels, 1, (1, 0))
    assert list(zip(curve.seen, curve.unseen, strict=True)) == [(1, 0), (0, 1)]
    assert curve.area == 0.5


def test_the_curve_ends_where_one_side_has_no_say_and_meets_the_plain_argmax():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(300, 9, generator=generator)
    labels = torch.arange(300) % 9
    scores[torch.arange(300), labels] += 1
    found = evaluate(scores, labels, 6)
    curve = seen_unseen_curve(scores, labels, 6, (found.seen, found.unseen))
    assert (curve.seen[0], curve.unseen[0]) == pytest.approx((found.seen_only, 0))
    assert (curve.seen[-1], curve.unseen[-1]) == pytest.approx((0, found.unseen_only))
    distance = np.hypot(curve.seen - found.seen, curve.unseen - found.unseen)
    assert distance.min() < 1e-9
    assert (np.diff(curve.seen) <= 0).all() and (np.diff(curve.unseen) >= 0).all()
    assert 0 < curve.area < found.seen_only * found.unseen_only + 1e-9


def test_a_standing_has_the_constant_in_its_calibrated_half_alone():
    standing = judge(Contender("planted", lambda features: SCORES, 2.5), torch.zeros(4, 1), LABELS, 2)
    assert (standing.raw.seen, standing.raw.unseen) == (0.5, 0.5)
    assert (standing.calibrated.seen, standing.calibrated.unseen, standing.calibrated.unseen_only) == (0.5, 1, 1)
    assert standing.curve.chosen == (0.5, 1)
    assert standing.predicted.tolist() == [0, 3, 2, 3]


def test_each_class_and_what_it_is_taken_for():
    labels = np.array([0, 0, 0, 1, 1, 3])
    predicted = np.array([0, 1, 1, 1, 0, 3])
    assert per_class(labels, predicted, 4) == pytest.approx([1 / 3, 1 / 2, np.nan, 1], nan_ok=True)
    assert confusions(labels, predicted) == [Confusion(0, 1, 2, 3), Confusion(1, 0, 1, 2)]
    assert confusions(labels, labels) == []


def evaluation(mine: np.ndarray, theirs: np.ndarray) -> Evaluation:
    """Six seen and six unseen classes with ten images each; the share of each class that each method finds."""
    labels = np.repeat(np.arange(12), 10)
    standings = {}
    for name, rates in (("other", theirs), (NIWT, mine)):
        scores = torch.zeros(120, 12)
        for i, c in enumerate(labels):
            scores[i, c if i % 10 < 10 * rates[c] else (c + 1) % 6 + (6 if c >= 6 else 0)] = 1
        contender = Contender(name, lambda features, scores=scores: scores, 0.0)
        standings[name] = judge(contender, torch.zeros(120, 1), torch.from_numpy(labels), 6)
    return Evaluation(Rule.REHEARSED, tuple("abcdefghijkl"), 6, labels, standings)


def test_a_lead_on_every_class_is_none_of_chance_and_a_lead_on_one_is():
    everywhere = evaluation(np.full(12, 0.9), np.full(12, 0.7))
    gap, low, high = lead(everywhere, everywhere.rivals[0])
    assert (gap, low, high) == pytest.approx((0.2, 0.2, 0.2))
    one = np.full(12, 0.7)
    one[8] = 0.9
    somewhere = evaluation(one, np.full(12, 0.7))
    gap, low, high = lead(somewhere, somewhere.rivals[0])
    assert gap > 0 and low == pytest.approx(0) and high > gap


def test_the_middle_of_a_grid_is_taken_setting_by_setting():
    grid = ({"a": 1.0, "b": 5.0}, {"a": 2.0, "b": 6.0}, {"a": 3.0, "b": 5.0})
    assert middle(grid) == {"a": 2.0, "b": 6.0}


def test_a_fit_keeps_what_a_contest_needs_and_the_folder_gives_it_back(small_project, small_data, tmp_path):
    save_project(small_project, tmp_path)
    loaded = load_project(tmp_path)
    assert loaded.contest is None
    contest = load_contest(contest_file(tmp_path), loaded)
    kept = small_project.contest
    assert contest.prior == kept.prior and rule_of(contest) is Rule.REHEARSED
    assert torch.equal(contest.labels, kept.labels)
    assert torch.allclose(contest.features, kept.features, rtol=1e-3, atol=1e-4)
    for one, other in ((contest.rehearsal, kept.rehearsal), (contest.rehearsal.kept, kept.rehearsal.kept)):
        assert torch.equal(one.descriptions, other.descriptions)
        assert torch.equal(one.labels, other.labels)
        assert torch.allclose(one.features, other.features, rtol=1e-3, atol=1e-4)
    assert contest.rehearsal.kept.classifier.names == kept.rehearsal.kept.classifier.names
    assert torch.equal(contest.rehearsal.classes, kept.rehearsal.classes)

    features, labels = features_of_tests(small_data, loaded.backbone)
    found = [judge(one, features, labels, 8) for one in contenders(loaded, contest)]
    assert [s.name for s in found] == [*(m.name for m in BASELINES), PRIOR, NIWT]
    assert len(found) == n_contenders(contest)
    assert found[-1].calibrated == evaluate(join(loaded.seen, loaded.new)(features), labels, 8)


def test_without_a_rehearsal_every_method_takes_its_defaults_and_no_constant(small_project, tmp_path):
    (tmp_path / "few").write_bytes(contest_bytes(dataclasses.replace(small_project.contest, rehearsal=None)))
    contest = load_contest(tmp_path / "few", small_project)
    assert rule_of(contest) is Rule.DEFAULTS
    assert {c.name: c.constant for c in contenders(small_project, contest) if c.name not in (NIWT, PRIOR)} == {
        m.name: 0.0 for m in BASELINES
    }


def test_a_project_that_kept_nothing_is_judged_alone(small_project, tmp_path):
    assert load_contest(tmp_path / "none", small_project) is None
    assert rule_of(None) is Rule.ALONE
    assert [c.name for c in contenders(small_project, None)] == [NIWT]
    assert n_contenders(None) == 1


def test_a_damaged_file_or_another_projects_is_refused(small_project, tmp_path):
    good = contest_bytes(small_project.contest)
    (tmp_path / "cut").write_bytes(good[:-200])
    save_file({"features": torch.zeros(3, 5)}, tmp_path / "other", {"prior": "{}"})
    (tmp_path / "whole").write_bytes(good)
    fewer = dataclasses.replace(small_project, n_seen=7)
    for name, project in (("cut", small_project), ("other", small_project), ("whole", fewer)):
        with pytest.raises(InputError, match=r"damaged or another project's .* Fit the project again"):
            load_contest(tmp_path / name, project)
