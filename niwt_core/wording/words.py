"""What English words say about a thing with parts: its colours, its shapes, its parts and what joins them.

Written from a knowledge of English and of bird anatomy alone; nothing here was learned from a data set's captions. A
meaning is a set of values with weights from 0 to 1: "tan" is mostly buff and a little brown. A value that a data set
does not name counts for nothing there.
"""

Weights = dict[str, float]


def weights(text: str) -> Weights:
    """ "buff .7 brown .3" -> {"buff": 0.7, "brown": 0.3}; underscores stand for the spaces within a value."""
    words = text.split()
    return {value.replace("_", " "): float(weight) for value, weight in zip(words[::2], words[1::2], strict=True)}


#: Meaning -> the colour words that have it.
COLORS: dict[str, str] = {
    "black 1": "black blackish ebony jet inky sable onyx raven coal blackened jet-black pitch-black",
    "black .6 grey .6": "charcoal soot sooty",
    "white 1": "white whitish snowy ivory snow milky off-white albino whites",
    "white .6 buff .6": "cream creamy cream-colored cream-coloured eggshell",
    "grey 1": "grey gray greyish grayish ash ashy ashen silver silvery slate slaty smoky steel lead leaden gunmetal",
    "brown 1": "brown brownish chocolate umber walnut coffee hazel sepia mocha browns",
    "rufous .8 brown .6": "chestnut cinnamon auburn russet mahogany sienna terracotta reddish-brown brick",
    "rufous 1 orange .4 brown .3": "rufous rust rusty rusted rust-colored copper coppery ferruginous bronze tawny",
    "buff .9 brown .4": "tan buff buffy beige fawn sandy sand khaki taupe dun caramel straw wheat camel buff-colored",
    "red 1": "red reddish ruby cherry crimson scarlet vermilion vermillion carmine blood-red fiery",
    "red .8 purple .5": "maroon burgundy wine magenta",
    "orange 1": "orange orangish orangey orangeish amber pumpkin tangerine apricot carrot",
    "orange .6 pink .6": "peach peachy salmon coral",
    "yellow 1": "yellow yellowish lemon canary golden gold mustard yellows golden-yellow blonde",
    "buff .6 yellow .4": "ochre ocher straw-colored",
    "olive 1 green .5": "olive olive-green moss mossy olivaceous chartreuse",
    "green 1": "green greenish emerald lime jade mint",
    "green .6 blue .6": "teal turquoise aqua aquamarine cyan",
    "blue 1": "blue bluish blueish azure cobalt navy sapphire cerulean sky-blue royal-blue",
    "blue .6 purple .6": "indigo periwinkle",
    "purple 1": "purple purplish violet lavender lilac mauve plum",
    "pink 1": "pink pinkish rose rosy fuchsia flesh flesh-colored fleshy",
    "iridescent 1": "iridescent iridescence metallic shimmering shimmery opalescent",
    "iridescent .6": "shiny glossy sheen lustrous gleaming",
}

#: What a shade makes of a colour; alone ("a dark bird") it is the colours under "".
SHADES: dict[str, tuple[str, dict[str, str]]] = {
    "dark": (
        "dark darker deep deeper darkish darkly dusky drab dull",
        {
            "": "black .5 brown .4 grey .4",
            "brown": "brown .9 black .2",
            "grey": "grey .8 black .3",
            "blue": "blue .9 black .2",
            "green": "green .8 olive .3",
            "yellow": "yellow .7 olive .3 buff .2",
            "red": "red .9 rufous .3",
            "orange": "orange .8 rufous .4",
        },
    ),
    "light": (
        "light lighter pale paler faded faint soft muted lightly",
        {
            "": "white .5 buff .4 grey .4",
            "brown": "brown .6 buff .6",
            "grey": "grey .9 white .2",
            "yellow": "yellow .9 buff .2",
            "orange": "orange .8 buff .3",
            "red": "red .6 pink .4",
            "green": "green .7 olive .4",
        },
    ),
}

#: Two colour words side by side, the first colouring the second; other pairs keep both, the second foremost.
PAIRS: dict[tuple[str, str], str] = {
    ("red", "brown"): "rufous 1 brown .6",
    ("orange", "brown"): "rufous 1 brown .6",
    ("red", "orange"): "orange .7 red .7 rufous .3",
    ("yellow", "brown"): "brown .6 buff .6 olive .3",
    ("grey", "brown"): "brown .8 grey .7",
    ("yellow", "green"): "olive .8 green .6 yellow .6",
    ("green", "yellow"): "olive .8 green .5 yellow .7",
    ("green", "brown"): "olive .8 brown .6",
    ("olive", "green"): "olive 1 green .5",
    ("brown", "black"): "black .8 brown .6",
    ("yellow", "white"): "white .7 buff .5 yellow .4",
    ("brown", "white"): "white .7 buff .5 brown .4",
}

#: Part -> the words for it. Parts without a group of their own pass colours on to their neighbours (SPREAD).
PARTS: dict[str, str] = {
    "bill": "bill bills beak beaks bil beek mandible mandibles maxilla nose snout culmen|upper mandible|lower mandible|"
    "upper bill|lower bill|bill tip",
    "wing": "wing wings covert coverts primaries secondaries secondary remiges tertials scapulars wingfeathers "
    "wingspan|wing feathers|flight feathers|wing coverts|primary feathers|outer wings|inner wings",
    "wingbar": "wingbar wingbars|wing bar|wing bars|wing stripe|wing stripes|wing band|wing bands|bars on its wings",
    "shoulder": "shoulder shoulders epaulet epaulets epaulette epaulettes",
    "upperparts": "upperparts upperside topside top above dorsum|upper parts|upper part|upper side|upper body|top side|"
    "dorsal side|upper half|upper portion|top half",
    "underparts": "underparts underside undersides bottom below underneath undercarriage ventrum undercoat|under parts|"
    "under part|lower parts|lower part|lower body|lower half|ventral side|under side|bottom half",
    "back": "back backs mantle backside saddle",
    "breast": "breast breasts chest chests bosom front pectoral",
    "belly": "belly bellies tummy stomach abdomen underbelly midsection bellied|under belly",
    "flank": "flank flanks side sides",
    "throat": "throat throats chin gorget bib gular goatee|throat patch",
    "neck": "neck necks collar necklace neckband|neck band",
    "nape": "nape napes scruff|back of the neck|back of its neck|back of the head|back of its head|hind neck",
    "head": "head heads hood skull",
    "crown": "crown crowns pileum|top of the head|top of its head|top of head|crown of the head|crown of its head",
    "cap": "cap caps|skull cap",
    "forehead": "forehead foreheads brows",
    "face": "face faces facial lore lores muzzle",
    "cheek": "cheek cheeks auricular auriculars jaw jowl jowls ear ears|cheek patch|cheek patches|ear patch",
    "eye": "eye eyes iris irises pupil pupils eyeball eyeballs",
    "eyering": "eyering eyerings eyelid eyelids|eye ring|eye rings|orbital ring|eye circle|ring around the eye|"
    "ring around its eye|rings around its eyes|rings around the eyes|circle around the eye|circle around its eye|"
    "ring around eye|eye spot",
    "eyebrow": "eyebrow eyebrows brow supercilium superciliary superciliaries|stripe above the eye|"
    "stripe above its eye|line above the eye|stripe over the eye|stripe over its eye|line over the eye|eye brow",
    "eyeline": "eyeline eyelines eyestripe eyestripes|eye line|eye stripe|eye stripes|stripe through the eye|"
    "stripe through its eye|line through the eye|line behind the eye|stripe behind the eye",
    "malar": "malar moustache mustache moustachial whiskers whisker submoustachial|malar stripe",
    "mask": "mask masks|eye mask|face mask|eye patch|eye patches",
    "crest": "crest crests tuft tufts mohawk topknot plume plumes quiff|tuft of feathers|head plume",
    "tail": "tail tails rectrices retrices tailfeathers|tail feathers|tail feather|outer rectrices|inner rectrices",
    "upper tail": "uppertail|upper tail|upper tail coverts|top of the tail|top of its tail",
    "under tail": "undertail crissum|under tail|undertail coverts|under tail coverts|underside of the tail|"
    "underside of its tail",
    "rump": "rump rumps",
    "vent": "vent vents cloaca",
    "leg": "leg legs foot feet tarsus tarsi tarsals shank shanks thigh thighs toe toes talon talons claw claws|"
    "legs and feet|feet and legs",
    "body": "body bodies plumage feathering torso coat trunk",
    "bird": "bird birds it he she they animal animals creature creatures birdie songbird fowl thing body-color species",
}

#: The second half of an adjective, the part it names: yellow-bellied, black-capped.
SUFFIXES: dict[str, str] = {
    "bill": "billed beaked",
    "wing": "winged",
    "back": "backed",
    "breast": "breasted chested",
    "belly": "bellied",
    "throat": "throated",
    "neck": "necked",
    "nape": "naped",
    "head": "headed hooded",
    "crown": "crowned",
    "cap": "capped",
    "face": "faced",
    "cheek": "cheeked",
    "eye": "eyed",
    "eyebrow": "browed eyebrowed",
    "tail": "tailed",
    "rump": "rumped",
    "leg": "legged footed toed clawed",
    "body": "bodied feathered",
    "shoulder": "shouldered",
}

_HEAD = "head 1 crown .95 forehead .9 nape .6 throat .4"

#: Part -> where else its colours and patterns are seen, by how much. Every part has itself at 1.
SPREAD: dict[str, Weights] = {
    "head": weights(_HEAD),
    "crown": weights("head .8 forehead .4"),
    "cap": weights("crown .95 head .7 forehead .4"),
    "crest": weights("crown .6"),
    "forehead": weights("crown .4 head .7"),
    "face": weights("forehead .6 throat .3 head .9"),
    "cheek": weights("throat .2 head .8"),
    "neck": weights("nape .8 throat .7"),
    "nape": weights("head .4"),
    "throat": weights("breast .25"),
    "mask": weights("forehead .4"),
    "back": weights("upperparts .7 bird .2"),
    "upperparts": weights("back .8 wing .6 nape .3"),
    "underparts": weights("belly .9 breast .8 throat .3 under_tail .4"),
    "belly": weights("underparts .8 breast .4 bird .15"),
    "breast": weights("underparts .7 belly .5 throat .3 bird .15"),
    "flank": weights("underparts .5 belly .4 breast .3"),
    "wing": weights("upperparts .4 bird .2"),
    "wingbar": weights("wing .9"),
    "shoulder": weights("wing .8"),
    "tail": weights("upper_tail .95 under_tail .7"),
    "upper tail": weights("tail .9"),
    "under tail": weights("tail .8"),
    "rump": weights("upper_tail .4 upperparts .3 back .3"),
    "vent": weights("under_tail .6 belly .5"),
    "body": weights("bird .9 breast .7 belly .7 back .7 upperparts .6 underparts .6 wing .4"),
    "bird": weights(
        "wing .4 upperparts .5 underparts .4 breast .4 back .5 belly .4 body .9 upper_tail .35 under_tail .25 tail .35 "
        "throat .3 forehead .35 nape .4 crown .4 head .4"
    ),
}
#: Parts too small for what is said of them to stand against what is said of the whole around them.
DETAILS = frozenset(("wingbar", "shoulder", "rump", "vent", "flank", "crest", "cheek", "mask"))
#: "an all black bird" says of every part what "a black bird" only lets one guess.
WHOLLY = 0.8

#: Naming a part can itself give a value: (part, aspect) -> values.
PRESENCE: dict[str, dict[tuple[str, str], Weights]] = {
    "cap": {("head", "pattern"): weights("capped 1")},
    "crest": {("head", "pattern"): weights("crested 1")},
    "mask": {("head", "pattern"): weights("masked 1 unique_pattern .3")},
    "eyering": {("head", "pattern"): weights("eyering 1")},
    "eyebrow": {("head", "pattern"): weights("eyebrow 1 striped .3")},
    "eyeline": {("head", "pattern"): weights("eyeline 1 striped .3")},
    "malar": {("head", "pattern"): weights("malar 1 unique_pattern .3")},
    "wingbar": {("wing", "pattern"): weights("striped .9 multi_colored .5")},
}

#: Words that build sentences, by what they do for the reader.
FUNCTIONS: dict[str, str] = {
    "and": "and & plus , / or nor",
    "is": "is are was were looks look appears appear seems be being turns becomes turning fading fades",
    "has": "has have had having with shows sports features featuring wears bears boasts displays carries possesses",
    "on": "on across along over down around at near atop through onto covering throughout of in by under "
    "upon behind between beside towards",
    "than": "than|compared to|compared with|in comparison to|in comparison with|in relation to|relative to|"
    "in proportion to|the size of|proportional to|in contrast to|proportionate to|disproportionate to",
    "same": "|same length as|same size as|as long as|as big as|as large as|same width as|length of",
    "feathers": "feathers feather feathery",
    "neg": "no not without lacks lack lacking never isn't aren't doesn't don't hasn't haven't neither absent minus",
    "break": "; . ! ? ( ) : but while whereas except although though however yet",
    "that": "that which who",
    "det": "a an the its his her their this these those it's another each both",
    "all": "all all-over entirely completely wholly totally fully overall entire every whole throughout|all over",
}

_PASSED_OVER = """
very quite rather somewhat fairly slightly really extremely mostly mainly nearly almost primarily
predominantly predominately generally partly particularly bit just only also even still bright brighter
brightly vivid vibrant rich bold beautiful pretty color colors colour colours colored coloured coloring
colouring coloration hue hues tone tones tint tinge tinged touch hint hints size sized shape shaped kind type
accents accent part parts area areas there here as from to for then so too one two i we you such distinct
distinctive distinctively noticeable prominent visible well like small-sized other same various mix mixture
combination rest remaining appearance outer inner middle end rear lower upper edged can be seen has some more
most less its
"""
#: Words that need no reading, so that they are not listed as unknown.
PASSED_OVER = frozenset(_PASSED_OVER.split())
