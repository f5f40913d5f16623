import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from niwt_core.birds.network import PaperBirdNet
from niwt_core.errors import InputError
from niwt_core.importance import channel_jacobian, layer_teaches_nothing
from niwt_core.network.backbone import PAPER_BIRD_NET, cut, load_backbone, settle_norms


def whole_features(model, images, linear):
    """The input of the last linear layer, seen by a hook: an independent way to the same numbers."""
    seen = []
    handle = linear.register_forward_hook(lambda m, inputs, output: seen.append(inputs[0]))
    model(images)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mobilenet_v2", "features.15"),
        ("resnet18", "layer3"),
        ("vgg11", "features.18"),
        ("densenet121", "features.transition3"),
    ],
)
def test_head_after_trunk_is_the_whole_network(name, layer):
    torch.manual_seed(0)
    model = models.get_model(name, weights=None).eval()
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1]
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = whole_features(model, images, linear)
        trunk, head = cut(model, layer)
        assert torch.allclose(head(trunk(images)), expected, atol=1e-5)


def test_the_bundled_network_is_cut_after_its_last_stage():
    backbone = load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer)
    assert (backbone.n_channels, backbone.n_features, backbone.grid) == (128, 256, (8, 8))


def test_squeezenet_gets_pooled_features_and_is_no_trivial_layer():
    backbone = load_backbone("squeezenet1_0", "features.9")
    assert backbone.n_features == 512
    activations = backbone.trunk(torch.randn(2, 3, 224, 224)).detach()
    assert backbone.head(activations).shape == (2, 512)
    assert layer_teaches_nothing(backbone.head, activations) is None


def test_the_last_block_of_mobilenet_and_resnet_teaches_nothing():
    torch.manual_seed(0)
    for name, layer in (("mobilenet_v2", "features"), ("resnet18", "layer4")):
        trunk, head = cut(models.get_model(name, weights=None).eval(), layer)
        activations = trunk(torch.randn(2, 3, 64, 64)).detach()
        assert "class weights" in (layer_teaches_nothing(head, activations) or "")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_in_place_activations_do_not_break_the_derivatives(mode):
    torch.manual_seed(0)
    model = models.squeezenet1_1(weights=None).eval()
    assert any(getattr(m, "inplace", False) for m in model.modules())
    trunk, head = cut(model, "features.10")
    activations = trunk(torch.randn(1, 3, 64, 64)).detach()
    before, weights = activations.clone(), torch.randn(512)
    jacobian = channel_jacobian(head, activations, mode=mode)
    assert torch.equal(activations, before)
    a = activations.clone().requires_grad_()
    (head(a) @ weights).sum().backward()
    expected = a.grad.sum((2, 3))
    assert torch.allclose(weights @ jacobian[0], expected[0], atol=1e-5 * float(expected.norm()))


@pytest.mark.parametrize(
    ("name", "layer", "message"),
    [
        ("no_such_net", "features", "Unknown network 'no_such_net'"),
        ("mobilnet_v2", "features", "mobilenet_v2"),
        ("mobilenet_v2", "features.99", "no layer 'features.99'.*features.9"),
        ("mobilenet_v2", "", "no layer ''"),
        ("resnet18", "layer2.0.conv1", "passes layer 'layer2.0.conv1' by"),
        ("vgg11", "classifier.0", "Choose a convolutional layer"),
    ],
)
def test_bad_names_are_explained(name, layer, message):
    with pytest.raises(InputError, match=message):
        load_backbone(name, layer)


def test_weights_that_do_not_fit_are_explained(tmp_path):
    good = PaperBirdNet().state_dict()
    save_file(good, tmp_path / "good.safetensors")
    loaded = load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer, tmp_path / "good.safetensors")
    assert torch.equal(loaded.trunk.state_dict()["features.stage1.0.weight"], good["features.stage1.0.weight"])

    missing = {k: v for k, v in good.items() if k != "classifier.1.bias"}
    save_file(missing, tmp_path / "missing.safetensors")
    with pytest.raises(InputError, match=r"1 tensors are missing.*classifier\.1\.bias"):
        load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer, tmp_path / "missing.safetensors")

    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(InputError, match="could not be read as a state dict"):
        load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer, tmp_path / "text.pth")
    with pytest.raises(InputError, match="no weights file"):
        load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer, tmp_path / "absent.pth")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harmed"), "w"))

    torch.save({"a": Harm()}, tmp_path / "harm.pth")
    with pytest.raises(InputError, match="could not be read"):
        load_backbone(PAPER_BIRD_NET, PaperBirdNet.layer, tmp_path / "harm.pth")
    assert not (tmp_path / "harmed").exists()


def test_real_weights_load_and_know_their_photos(shared_data):
    backbone = load_backbone("mobilenet_v2", "features.15", shared_data / "weights" / "mobilenet_v2.pth")
    assert (backbone.n_channels, backbone.n_features, backbone.grid) == (160, 1280, (7, 7))


def test_random_norms_are_settled_so_that_activations_stay_of_ordinary_size():
    torch.manual_seed(0)
    backbone = load_backbone("mobilenet_v3_small", "features.12")
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert backbone.trunk(picture).abs().max() < 1e-5
        settle_norms(backbone)
        settled = backbone.trunk(picture)
        assert 0.1 < settled.abs().max() < 1000
        assert torch.equal(backbone.trunk(picture), settled)  # back in use, not learning
    norms = [m for m in backbone.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert all(not norm.training and norm.momentum != 1.0 for norm in norms)
