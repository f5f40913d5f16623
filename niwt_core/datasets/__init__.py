"""Zero-shot data sets: CUB-200-2011, AwA2 and any folder, all read into one shape."""

from niwt_core.datasets.awa2 import load_awa2
from niwt_core.datasets.captions import load_captions
from niwt_core.datasets.cub import load_cub
from niwt_core.datasets.folder import load_folder
from niwt_core.datasets.zeroshot import ZeroShotData

__all__ = ["ZeroShotData", "load_awa2", "load_captions", "load_cub", "load_folder"]
