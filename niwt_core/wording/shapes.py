"""What an adjective says of the part it stands beside: "long" is one thing of a bill and another of a wing."""

from niwt_core.wording.words import Weights, weights

#: Words with one meaning wherever they are looked up below; the first names them.
ADJECTIVES: tuple[str, ...] = (
    "long lengthy elongated longish elongate extended longer",
    "short shortish shorter stumpy stubby stubbed stub short-ish truncated",
    "large big huge giant enormous massive larger bigger hefty great oversized sizable sizeable largish gigantic bulky",
    "small little smaller petite smallish mini miniature diminutive dainty",
    "tiny teeny minute wee",
    "medium medium-sized mid-sized mid-size average average-sized moderate moderately-sized medium-length mid-length",
    "curved curving curves bent decurved downcurved curvy arched upturned downturned down-turned upcurved",
    "hooked hook hooks hook-like hooking hook-shaped",
    "pointed pointy sharp pointing sharply-pointed spiky spiked point points",
    "straight",
    "thin skinny slender narrow slim fine",
    "thick stout fat heavy chunky wide broad broadened deep robust strong sturdy",
    "blunt dull-tipped",
    "conical cone cone-shaped conic triangular triangle triangle-shaped seed-eating",
    "flat flattened spatulate spoon-shaped duck-billed paddle-shaped",
    "needle needle-like needlelike",
    "dagger dagger-like daggerlike spear-like",
    "unusual odd strange unique specialized peculiar oddly-shaped weird",
    "rounded round roundish",
    "tapered tapering tapers taper",
    "forked fork v-shaped forking scissor-like swallow-tailed split",
    "notched notch",
    "fan fanned fan-shaped fan-like fanning fanned-out fans",
    "squared square squarish square-shaped",
    "webbed web",
    "crested tufted",
    "capped",
    "masked",
    "spotted speckled spots spot speckles dotted dots mottled mottling flecked flecks freckled speckling specks "
    "spotting",
    "striped stripes stripe streaked streaks streak streaking barred bars bar barring banded bands band lines line "
    "lined striping stripy banding ring rings streaky",
    "patched patch patches mark marks marking markings tip tips tipped edge edges edging ends accents pattern patterns "
    "patterning patterned splotch splotches blotches trim highlights splash area base",
    "plain unmarked solid uniform unpatterned",
    "multicolored multicoloured multi-colored multi-coloured colorful colourful varied variegated checkered two-toned "
    "two-tone multi-color bicolored",
)

_MARKS = """
spots spot speckles dots mottling flecks speckling specks spotting stripes stripe streaks streak streaking
bars bar barring bands band lines line striping banding ring rings patch patches mark marks marking markings
tip tips edge edges edging ends accents pattern patterns patterning splotch splotches blotches trim highlights
splash area base hook notch fork point
"""
#: Of these, nouns: they stand where a part could, and take the adjectives before them along.
MARKS = frozenset(_MARKS.split())

_PATTERN = {
    "spotted": "spotted 1 multi_colored .2",
    "striped": "striped 1 multi_colored .3",
    "patched": "multi_colored .5",
    "plain": "solid 1 plain 1",
    "multicolored": "multi_colored 1",
}

_SHAPES: dict[tuple[str, str], dict[str, str]] = {
    ("bill", "length"): {
        "long": "longer_than_head 1 long 1 about_the_same_as_head .4",
        "large": "longer_than_head .5 about_the_same_as_head .5",
        "medium": "about_the_same_as_head 1 medium 1",
        "short": "shorter_than_head 1 short 1",
        "small": "shorter_than_head .9 short .9",
        "tiny": "shorter_than_head 1 short 1",
    },
    ("bill", "shape"): {
        "curved": "curved 1 hooked .6 hooked_seabird .4",
        "hooked": "hooked 1 hooked_seabird .9 curved .2",
        "pointed": "dagger .6 all_purpose .6 needle .5 cone .5",
        "straight": "dagger .7 all_purpose .5 needle .3",
        "thin": "needle .8 all_purpose .6 dagger .4",
        "thick": "cone .7 hooked_seabird .3 specialized .3 hooked .2",
        "blunt": "cone .8 specialized .3",
        "short": "cone .5 all_purpose .4",
        "small": "cone .4 all_purpose .4",
        "tiny": "cone .4 all_purpose .4",
        "large": "hooked_seabird .4 dagger .4 specialized .3",
        "long": "dagger .4 hooked_seabird .3 needle .3 curved .2",
        "conical": "cone 1",
        "flat": "spatulate 1",
        "needle": "needle 1",
        "dagger": "dagger 1",
        "unusual": "specialized 1",
    },
    ("bird", "size"): {
        "tiny": "very_small 1 small .5 tiny 1",
        "small": "small 1 very_small .7 little .9 medium .1",
        "medium": "medium 1 small .3 large .1",
        "large": "large 1 very_large .6 medium .5 big 1",
    },
    ("wing", "shape"): {
        "long": "long 1 tapered .3 pointed .3",
        "large": "broad .8 long .7",
        "thick": "broad 1",
        "rounded": "rounded 1",
        "pointed": "pointed 1 tapered .6",
        "tapered": "tapered 1 pointed .5",
        "short": "rounded .7",
        "small": "rounded .7",
        "thin": "tapered .6 pointed .5",
    },
    ("tail", "shape"): {
        "forked": "forked 1 notched .5",
        "notched": "notched 1 forked .5",
        "fan": "fan 1 rounded .4",
        "pointed": "pointed 1",
        "tapered": "pointed .8",
        "rounded": "rounded 1 fan .4",
        "squared": "squared 1",
        "blunt": "squared .8",
        "thick": "fan .8",
    },
    ("head", "pattern"): {
        **_PATTERN,
        "patched": "unique_pattern .6",
        "crested": "crested 1",
        "capped": "capped 1",
        "masked": "masked 1",
        "unusual": "unique_pattern 1",
    },
    **{(part, "pattern"): _PATTERN for part in ("breast", "back", "tail", "belly", "wing", "bird")},
}

#: (part, aspect) -> adjective -> the values it gives.
SHAPES: dict[tuple[str, str], dict[str, Weights]] = {
    slot: {word: weights(values) for word, values in meanings.items()} for slot, meanings in _SHAPES.items()
}

#: What an adjective of one part says of the whole: (part, adjective) -> (part, aspect), values.
ELSEWHERE: dict[tuple[str, str], tuple[tuple[str, str], Weights]] = {
    ("leg", "webbed"): (("bird", "shape"), weights("duck .6 gull .6 upright_perching_water .4")),
    ("leg", "long"): (("bird", "shape"), weights("long_legged 1 sandpiper .6")),
    ("neck", "long"): (("bird", "shape"), weights("long_legged .6 duck .4")),
    ("eye", "masked"): (("head", "pattern"), weights("masked 1")),
    ("eye", "striped"): (("head", "pattern"), weights("eyeline .7 eyebrow .7 striped .4 eyering .3")),
    ("face", "striped"): (("head", "pattern"), weights("eyeline .4 malar .4 striped .6")),
    ("cheek", "striped"): (("head", "pattern"), weights("malar .8 unique_pattern .3")),
    ("cheek", "patched"): (("head", "pattern"), weights("unique_pattern .6 malar .4")),
    ("crown", "striped"): (("head", "pattern"), weights("striped 1")),
    ("crown", "spotted"): (("head", "pattern"), weights("spotted 1")),
    ("neck", "striped"): (("head", "pattern"), weights("unique_pattern .3")),
}

#: Kinds of bird, for the build they have in common.
BUILDS: dict[str, str] = {
    "duck 1": "duck ducks duck-like goose geese swan waterfowl merganser loon grebe mallard teal-duck",
    "gull 1 duck .3": "gull gulls seagull seagulls seabird seabirds tern terns gull-like",
    "gull .8 upright_perching_water .4 duck .4": "waterbird waterbirds aquatic",
    "hawk 1": "hawk hawks eagle eagles falcon falcons raptor raptors vulture predator osprey hawk-like",
    "owl 1": "owl owls owl-like",
    "pigeon 1": "pigeon pigeons dove doves",
    "hummingbird 1": "hummingbird hummingbirds hummer",
    "tree_clinging 1": "woodpecker woodpeckers nuthatch flicker",
    "sandpiper 1": "sandpiper sandpipers shorebird shorebirds plover wader waders",
    "swallow 1": "swallow swallows swift swifts martin",
    "upland_ground 1 chicken_like_marsh .6": "chicken chickens quail grouse turkey pheasant partridge rooster hen",
    "long_legged 1": "heron herons egret egrets crane cranes stork storks flamingo ibis",
    "upright_perching_water 1": "penguin penguins cormorant cormorants puffin puffins",
    "perching 1": "sparrow sparrows finch finches warbler warblers wren wrens robin robins jay jays thrush cardinal "
    "chickadee starling crow crows blackbird blackbirds bluebird parrot parakeet flycatcher",
}

#: Words for the values of data sets of other things than birds, as their names may have them.
ALIKE: tuple[str, ...] = (
    "large big huge",
    "small little tiny",
    "fast quick swift speedy rapid",
    "slow sluggish",
    "furry fur hairy hair fluffy woolly",
    "hairless bald naked",
    "ocean sea marine seas",
    "water aquatic river lake",
    "domestic pet tame domesticated",
    "smart intelligent clever",
    "fierce aggressive ferocious dangerous",
    "timid shy",
    "solitary alone",
    "group herd herds pack packs",
    "strong powerful muscular",
    "horns horned antlers horn",
    "hooves hoof hoofed hoofs",
    "vegetation plants grass leaves",
    "arctic polar",
    "jungle rainforest",
    "toughskin thickskin",
    "quadrapedal quadrupedal fourlegs fourlegged",
    "bipedal twolegs twolegged",
    "tunnels burrows digs",
    "patches patchy",
)
