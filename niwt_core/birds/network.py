"""The bundled network: a small VGG-style CNN for 64-pixel drawings."""

from torch import Tensor, nn


class PaperBirdNet(nn.Module):
    """Convolution stages, pooling, two hidden linear layers, a classifier; the shape of VGG in small.

    `layer` names where the project cuts it: 128 channels on an 8 x 8 grid, after the ReLU.
    """

    image_size = 64
    n_channels = 128
    n_features = 256
    layer = "features.stage4"

    def __init__(self, n_classes: int = 150) -> None:
        super().__init__()
        self.features = nn.Sequential()
        width = 3
        for stage, (channels, n_convs) in enumerate(((32, 1), (64, 1), (128, 2), (128, 1)), start=1):
            layers: list[nn.Module] = []
            for _ in range(n_convs):
                layers += [nn.Conv2d(width, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
                width = channels
            self.features.add_module(f"stage{stage}", nn.Sequential(*layers))
            self.features.add_module(f"pool{stage}", nn.MaxPool2d(2))
        side = self.image_size // 16
        self.classifier = nn.Sequential(
            nn.Flatten(1),
            nn.Linear(width * side * side, self.n_features),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(self.n_features, self.n_features),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(self.n_features, n_classes),
        )

    @property
    def output(self) -> nn.Linear:
        """The last linear layer: the class weights."""
        last = self.classifier[-1]
        assert isinstance(last, nn.Linear)
        return last

    def forward(self, images: Tensor) -> Tensor:
        """(n_images, 3, 64, 64) -> scores (n_images, n_classes)."""
        return self.classifier(self.features(images))
