"""A small world with a known answer: what a class looks like follows from its description."""

import torch
from torch import nn

from niwt_core.datasets import ZeroShotData
from niwt_core.images import noise_images
from niwt_core.network.finetune import CachedActivations
from niwt_core.pipeline import FitOptions, rehearse

OPTIONS = FitOptions(n_views=1, epochs=1, n_samples=4)


class Planted:
    """Nine seen classes and two unseen ones whose activations follow their descriptions; a small head on a cache."""

    def __init__(self, backbone_of, n_each=8, n_seen=9) -> None:
        self.generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.backbone = backbone_of(
            nn.Sequential(nn.Conv2d(4, 6, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).requires_grad_(
                False
            )
        )
        self.rows = torch.randn(n_seen + 2, 3, generator=self.generator)
        labels = torch.arange(n_seen).repeat(n_each)
        self.mixing = torch.randn(3, 4, generator=self.generator)
        noise = torch.randn(2, len(labels), 4, 2, 2, generator=self.generator)
        plain, augmented = (self.clean(labels) + 0.3 * noise).half()
        self.cached = CachedActivations(plain, augmented[None], labels)
        nothing = noise_images(1, 2)
        names = tuple(f"class {i}" for i in range(n_seen + 2))
        self.data = ZeroShotData(
            "planted", names, n_seen, self.rows, ("a::b", "a::c", "a::d"), nothing, nothing, nothing
        )

    def clean(self, labels):
        """What images of these classes have in common, (n_images, 4, 1, 1)."""
        return (self.rows @ self.mixing)[labels][:, :, None, None]

    def fresh(self, n_each):
        """Activations and labels of new images of every class, seen and unseen."""
        labels = torch.arange(len(self.rows)).repeat(n_each)
        noise = torch.randn(len(labels), 4, 2, 2, generator=self.generator)
        return self.clean(labels) + 0.3 * noise, labels

    def rehearse(self, cached=None, **options):
        return rehearse(self.data, self.backbone, cached or self.cached, options=OPTIONS, **options)
