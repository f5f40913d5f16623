import numpy as np
import pytest
import torch

from niwt_core.gzsl import Classifier, evaluate, harmonic_mean, join, per_class_accuracy


def test_harmonic_mean_by_hand():
    assert harmonic_mean(0.6, 0.3) == pytest.approx(0.4)
    assert harmonic_mean(0.0, 0.0) == 0.0
    assert harmonic_mean(1.0, 0.0) == 0.0


def test_accuracy_is_averaged_over_classes_not_images():
    labels = torch.tensor([0, 0, 0, 0, 1]).numpy()
    predicted = torch.tensor([0, 0, 0, 0, 0]).numpy()
    assert per_class_accuracy(predicted, labels) == 0.5
    with pytest.raises(ValueError, match="at least one image"):
        per_class_accuracy(predicted[:0], labels[:0])


def test_classes_without_images_do_not_count():
    labels, predicted = np.array([4, 1, 1, 4, 4]), np.array([4, 7, 1, 0, 0])
    assert per_class_accuracy(predicted, labels) == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_evaluate_by_hand():
    # Two seen classes (0, 1), two unseen (2, 3).
    scores = torch.tensor(
        [
            [9.0, 0, 0, 0],  # 0, right
            [0, 5, 6, 0],  # 1, taken for 2: wrong among all, right among the seen
            [0, 9, 5, 1],  # 2, taken for 1: wrong among all, right among the unseen
            [0, 0, 9, 1],  # 2, right
            [0, 0, 9, 1],  # 3, wrong in both
        ]
    )
    result = evaluate(scores, torch.tensor([0, 1, 2, 2, 3]), n_seen=2)
    assert result.seen == 0.5
    assert result.seen_only == 1.0
    assert result.unseen == 0.25
    assert result.unseen_only == 0.5
    assert result.harmonic == pytest.approx(2 * 0.5 * 0.25 / 0.75)
    assert (result.n_seen_images, result.n_unseen_images) == (2, 3)
    with pytest.raises(ValueError, match="seen and of unseen"):
        evaluate(scores[:2], torch.tensor([0, 1]), n_seen=2)


def test_join_puts_the_seen_classes_first():
    a = Classifier(("a", "b"), torch.eye(2), torch.tensor([0.0, 1.0]))
    b = Classifier(("c",), torch.tensor([[3.0, 4.0]]), torch.tensor([-1.0]))
    joined = join(a, b)
    assert joined.names == ("a", "b", "c")
    assert torch.equal(joined(torch.tensor([[1.0, 2.0]])), torch.tensor([[1.0, 3.0, 10.0]]))
    with pytest.raises(ValueError, match="one row of weights"):
        Classifier(("a",), torch.eye(2), torch.zeros(2))
