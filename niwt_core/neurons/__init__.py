"""The dictionary of neurons: what each channel of a project is called, on what evidence, and whether that is true."""

from niwt_core.neurons.building import build
from niwt_core.neurons.dictionary import Alternative, Causal, ClassLoss, Dictionary, Neuron, TopImage
from niwt_core.neurons.material import Labelled, Material, material_of
from niwt_core.neurons.search import Found, search
from niwt_core.neurons.storage import load_dictionary, save_dictionary
from niwt_core.wording.saying import plain

__all__ = [
    "Alternative", "Causal", "ClassLoss", "Dictionary", "Found", "Labelled", "Material", "Neuron", "TopImage", "build",
    "load_dictionary", "material_of", "plain", "save_dictionary", "search",
]  # fmt: skip
