"""The lexicon: the English words for every attribute value, shared by the caption writer and the reader.

A table comes in two halves where it matters: the words the writer uses (and the reader knows), and the further words
that only the reader knows, because people say them but a good caption would not.
"""

from dataclasses import dataclass

from niwt_core.birds.attributes import GROUPS

#: Words for each colour that mean just that colour. The first is the plain word; "gray" and "grey" follow the spelling.
COLOR_WORDS: dict[str, tuple[str, ...]] = {
    "black": ("black", "jet black", "coal black"),
    "white": ("white", "snow white", "pure white"),
    "gray": ("gray", "ash gray", "slate gray"),
    "brown": ("brown", "chestnut", "chocolate brown"),
    "red": ("red", "crimson", "scarlet"),
    "orange": ("orange", "tangerine"),
    "yellow": ("yellow", "golden", "lemon yellow"),
    "green": ("green", "emerald", "leaf green"),
    "blue": ("blue", "azure", "cobalt blue"),
    "pink": ("pink", "rosy"),
}

#: Further words for the same colours, read without comment.
READ_COLORS: dict[str, str] = {
    "black": "blackish ebony jet inky sable raven coal onyx obsidian charcoal-black pitch-black midnight-black",
    "white": "whitish snowy ivory snow milky milk-white chalky pearly alabaster",
    "gray": "grey greyish grayish ash ashy ashen slate slaty silver silvery charcoal smoky smoke steel leaden",
    "brown": "brownish chocolate mahogany hazel umber walnut coffee sepia",
    "red": "reddish ruby cherry blood-red brick-red vermilion vermillion carmine cardinal garnet",
    "orange": "orangish orangey amber pumpkin carrot apricot",
    "yellow": "yellowish gold lemon canary mustard sunny straw-yellow",
    "green": "greenish olive olive-green emerald-green moss mossy lime jade grass-green",
    "blue": "bluish blueish azure-blue cobalt navy sapphire indigo cerulean sky-blue ultramarine",
    "pink": "pinkish rose rose-pink bubblegum",
}

#: Colours no paper bird has, with the nearest that one can have; reading them leaves a note.
NEAR_COLORS: dict[str, str] = {
    "red": "maroon burgundy magenta fuchsia wine wine-red cinnabar ruddy claret oxblood rouge cerise lava bloody "
    "raspberry strawberry tomato cochineal sanguine vermeil incarnadine brick fire flame rust-red crimsony "
    "raspberry-red",
    "orange": "copper coppery bronze rusty-orange peach peachy salmon coral terracotta mango papaya clementine sunset "
    "marigold flamingo",
    "yellow": "blond blonde ochre ocher sulphur sulfur saffron citrine honey turmeric corn corn-yellow sunflower "
    "dandelion banana flaxen gamboge primrose butter buttery",
    "brown": "tan buff buffy beige rufous rust rusty russet tawny cinnamon fawn sandy sand khaki taupe caramel "
    "auburn dun sienna toffee cocoa espresso oatmeal biscuit butterscotch ochreous sepia-brown fulvous "
    "ferruginous sorrel cedar oak mocha pecan wooden earthy",
    "blue": "purple purplish violet lavender lilac mauve plum turquoise cyan aqua aquamarine periwinkle cornflower "
    "denim marine peacock-blue lagoon amethyst aubergine eggplant mulberry puce lapis royal-blue",
    "green": "teal chartreuse viridian mint celadon verdigris malachite pistachio shamrock fern sage avocado kiwi "
    "jungle forest",
    "gray": "gunmetal graphite iron nickel cement glaucous pewter lead argent",
    "black": "soot sooty midnight liquorice oily swarthy",
    "white": "cream creamy off-white eggshell champagne linen bone chalk marble frosty porcelain",
    "pink": "blush",
}

#: Where a colour goes that the group does not have. A colour missing here as well stays open.
NEAREST_VALUE: dict[str, dict[str, str]] = {
    **{group: {"pink": "red"} for group in ("crown_color", "back_color", "belly_color")},
    "bill_color": {"pink": "red", "white": "gray", "brown": "gray", "blue": "gray", "green": "gray"},
    "leg_color": {
        "red": "orange",
        "yellow": "orange",
        "white": "gray",
        "brown": "gray",
        "blue": "gray",
        "green": "gray",
    },
    "eye_ring": {"orange": "yellow", "gray": "white"},
}

#: Adjectives for the values that are no colours. Each is read by the group of the part it stands beside.
SHAPE_WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("size", "small"): ("small", "little", "tiny"),
    ("size", "medium"): ("medium-sized", "middle-sized", "mid-sized"),
    ("size", "large"): ("large", "big", "hefty"),
    ("bill_shape", "short"): ("short", "stubby", "stumpy"),
    ("bill_shape", "long"): ("long", "lengthy", "elongated"),
    ("bill_shape", "hooked"): ("hooked", "curved", "down-curved"),
    ("bill_shape", "broad"): ("broad", "wide", "thick"),
    ("wing_pattern", "plain"): ("plain", "unmarked"),
    ("breast_pattern", "plain"): ("plain", "unmarked"),
    ("breast_pattern", "spotted"): ("spotted", "speckled", "dotted"),
    ("breast_pattern", "streaked"): ("streaked", "streaky"),
    ("breast_pattern", "banded"): ("banded", "barred"),
    ("tail_shape", "square"): ("square", "square-ended", "squared-off"),
    ("tail_shape", "forked"): ("forked", "notched", "V-shaped"),
    ("tail_shape", "fanned"): ("fanned", "fan-shaped", "fan-like"),
    ("tail_shape", "pointed"): ("pointed", "pointy", "tapering"),
    ("leg_length", "short"): ("short", "stubby", "little"),
    ("leg_length", "long"): ("long", "lanky", "lengthy"),
}

#: Further adjectives the reader knows.
READ_SHAPES: dict[tuple[str, str], str] = {
    ("size", "small"): "smallish petite miniature mini minute teeny diminutive small-sized little-sized sparrow-sized",
    ("size", "medium"): "medium average-sized mid-size medium-size average moderate moderately-sized robin-sized",
    (
        "size",
        "large",
    ): "larger huge giant enormous largish great massive gigantic large-sized big-sized bigger goose-sized",
    ("bill_shape", "short"): "small little tiny stubbed snubbed snub shortish petite shortened",
    ("bill_shape", "long"): "longish extended very-long longer",
    ("bill_shape", "hooked"): "decurved downcurved hook-tipped hook-shaped bent crooked curving downturned down-turned",
    ("bill_shape", "broad"): "stout heavy deep fat chunky bulky massive wide-set flat spatulate broadened",
    ("wing_pattern", "plain"): "unbarred unpatterned patternless solid uniform markingless unspotted",
    ("breast_pattern", "plain"): "unspotted unstreaked unpatterned patternless solid uniform clean unbanded unbarred",
    (
        "tail_shape",
        "square",
    ): "squarish squared square-tipped square-cut straight-cut square-shaped blunt straight-ended",
    ("tail_shape", "forked"): "v shaped fork-shaped cleft swallow-like split scissor-like scissored double-pointed",
    ("tail_shape", "fanned"): "fan spread fanning fanned-out spread-out fanlike flared splayed wide broad",
    ("tail_shape", "pointed"): "pointing tapered wedge-shaped spiky sharp needle-like spiked",
    ("leg_length", "short"): "small tiny stumpy shortish",
    ("leg_length", "long"): "longish tall stilt-like leggy",
    ("eye_ring", "none"): "none absent missing",
    ("crest", "none"): "none absent missing crestless uncrested smooth flat",
    ("crest", "tufted"): "crested tufted tufty",
}

#: Words for the parts. The writer takes the first of each line's halves; "|" parts what only the reader knows.
PART_TABLE: dict[str, str] = {
    "crown": "crown; cap; top of the head | top of its head; crowns; caps; pileum; top of his head; top of her "
    "head; crown feathers",
    "head": "head | heads; hood; forehead; head feathers; heads; scalp",
    "back": "back; mantle | backs; back feathers; back side; backside",
    "upper": "upperparts; upper side | above; on top; upper parts; upperside; upper half; top; top side; upper "
    "body; dorsal side; topside; upper part",
    "belly": "belly; tummy | stomach; abdomen; underbelly; under belly; bellies; tummies; belly feathers",
    "under": "underparts; underside | below; underneath; beneath; on the bottom; under parts; undersides; bottom; "
    "lower parts; under side; lower half; ventral side; underneath side; lower body; undercarriage; under "
    "part",
    "breast": "breast; chest | breasts; breast feathers; chest feathers; bosom; front",
    "bill": "bill; beak | bills; beaks; bil; beek",
    "wings": "wings | wing; wing feathers; flight feathers",
    "wingbars": "wing bars; wingbars | wing bar; wingbar; wing stripes; wing stripe; wing bands; wing band",
    "wingtips": "wing tips; wingtips | wing tip; wingtip; tips of the wings; tips of its wings",
    "tail": "tail | tails; tail feathers; tail feather; rectrices",
    "legs": "legs | leg; feet; foot; tarsus; tarsi; shanks; legs and feet; feet and legs; claws; toes; talons",
    "eyering": "eye ring; ring around the eye; eye-ring | eyering; eyerings; eye rings; ringed; circled; spectacles; "
    "orbital ring; eye circle; eye circles",
    "crest": "crest; tuft on its head; tuft of feathers on its head | crests; tuft; tufts; topknot; mohawk; tuft "
    "of feathers; plume; plumes; tuft of hair; head tuft; quiff; feather tuft",
    "body": "| body; plumage; feathers; feather; feathering; coat; bodies",
    "bird": "bird | birds; it; songbird; seabird; waterbird; shorebird; fowl; creature; animal; he; she; raptor; "
    "duck; gull; sparrow; finch; warbler; wren; owl; crow; raven; parrot; pigeon; dove; hawk; eagle; "
    "woodpecker; blackbird; bluebird; robin; heron; hummingbird; thrush; swallow; jay; waterfowl; they; "
    "birdie; species; guy; fellow",
    # Real parts that no paper bird lets one choose; knowing them keeps their colours from going elsewhere.
    "other": "| throat; nape; neck; coverts; covert; wing coverts; face; cheek; cheeks; rump; flank; flanks; "
    "sides; side; eye; eyes; eyebrow; eyebrows; brow; brows; superciliary; supercilium; malar; lore; "
    "lores; vent; patch; patches; stripe on its head; shoulder; shoulders; iris; pupil; pupils; chin; "
    "collar; mask; thighs; secondaries; primaries; undertail; wingspan; ear; ears; mouth; cere; nostrils; "
    "eyeline; eye stripe; eye line; eye patch; lower mandible; upper mandible; mandible; beard; "
    "moustache; whiskers; spur; edges; edge; base; eyelid; wing span; nose; forehead stripe; ear patch; "
    "eye patches; cheek patch",
}

#: Parts as the second half of an adjective: black-capped, long-billed.
ED_PARTS: dict[str, str] = {
    "capped": "crown", "crowned": "crown", "headed": "head", "hooded": "head", "backed": "back", "mantled": "back",
    "bellied": "belly", "breasted": "breast", "chested": "breast", "fronted": "breast", "billed": "bill",
    "beaked": "bill", "winged": "wings", "tailed": "tail", "legged": "legs", "footed": "legs", "bodied": "body",
    "feathered": "body", "eyed": "other", "throated": "other", "necked": "other", "naped": "other", "faced": "other",
    "cheeked": "other", "rumped": "other", "collared": "other", "sided": "other",
    "browed": "other", "shouldered": "other",
}  # fmt: skip

#: Nouns and adjectives for marks on a part; which value they give depends on the part (reading.place_mark).
MARK_WORDS: dict[str, str] = {
    "bars": "bars bar barring",
    "bands": "bands band banding",
    "stripes": "stripes stripe striping lines line",
    "streaks": "streaks streak streaking",
    "spots": "spots spot spotting speckles speckle speckling dots dot flecks fleck freckles specks mottling",
    "tips": "tips tip ends",
    "ring": "ring rings circle circles",
    "marks": "markings marking marks pattern patterns patterning",
    "fork": "fork notch",
    "fan": "fan",
    "point": "point",
}
MARK_ADJECTIVES: dict[str, str] = {
    "bars": "barred",
    "bands": "banded",
    "stripes": "striped stripy stripey",
    "streaks": "streaked streaky",
    "spots": "spotted spotty speckled dotted freckled flecked mottled speckly",
    "tips": "tipped",
}

#: Words that join, link or limit, by what they do for the reader.
FUNCTION_WORDS: dict[str, str] = {
    "and": "and & / plus",
    "or": "or nor",
    "is": "is are was were looks look appears seems be being : = turns",
    "has": "has carry have with having had shows showing features featuring wears wearing sports bears carries",
    "of": "of in by",
    "on": "on across along over down around round at upon near atop through onto covering throughout",
    "to": "to",
    "neg": "no not without lacks lack lacking neither never isn't aren't doesn't don't hasn't haven't minus cannot",
    "det": "a an the its his her their this that these those two three one each both some any whose which who",
    "break": "but while whereas except although though however yet otherwise besides . ; ! ? ( )",
}

#: Words without a colour or shape of their own; reading passes over them.
_STOP_WORDS = """
i we you am my your our me us as from for than then so too very quite rather somewhat fairly slightly really
extremely mostly mainly nearly almost entirely completely fully totally overall all whole entire every wholly
primarily predominantly predominately generally partly uniformly particularly particular incredibly super bit just
only also even still both either light lighter dark darker pale paler bright brighter brightly deep deeper dull
vivid rich soft faint warm cool strong glossy shiny plainly color colors colour colours colored coloured coloring
colouring coloration colouration colorful colourful hue hues tone tones toned shade shades tint tints tinted tinge
tinged size sized sizes shape shaped kind type sort touch hint hints splash s t d ll re ve there here them what when
where if into out up off over about well like such marked adorned decorated covered having can could may might do
does did will would should shall must been rest remaining remainder part parts area areas region section portion see
seen imagine picture draw describe please hello hi looking look has have had same other others more most less much
many few several single pair clear clearly distinct distinctive prominent noticeable visible conspicuous striking
beautiful pretty lovely nice cute handsome appearance between against behind before after inside outside
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

#: English words one edit away from a known word, which are not typing mistakes.
_REAL_WORDS = """
abode abroad alone appear bard barge bead beads bear beast bell belle bellow bells bended billy blank blend block
blow board bond bonded bony booked bound branded brawn bread broads brood brush bulk bully cheat check checks chess
chick chose clack clown clunky cooked cover covers covets craven crept cress crowd crows crust curled curling curve
curves drown eyeing faded feathery feature flush forced forded forged found frame fringed frown funny grange greed
greens greet ground grown handed heard heave hocked hooks hose hound jelly joint kings lager lain landed late left
length lengths looked making makings mall mark match matches mellow milk mound muddy nears orang pain paint patched
pecks plack plan plate plumb plumed plump pointer points potted pound print puffy range rave raves road rotted
rotund sanded shaded shapes share shark shirt shoot shops shore shorts shout show sings slack slat slotted smalls
smell snort sold sorts sound speck spikes spitted sport sported squares stall state steaks steal strip strips swings
thigh think trails tree trick turn wear weary whine whiten whiter whites winds wines winks wins worked wound wrest
write
"""
REAL_WORDS = frozenset(_REAL_WORDS.split())

#: Words of other languages that people use to build a sentence; two of them and no English one mean "not English".
_FOREIGN_WORDS = """
ein eine einer einen der die das mit und vogel ist schwarz un une le la les des avec et est oiseau noir dans el los
las con y es pajaro pájaro ave negro uno una il lo gli di e uccello nero een het met en van zwart um uma com o os
passaro pássaro preto fugl og med ett och fågel svart ptak z i czarny linnut lintu на и с птица черный rouge jaune
bec ailes blanc rojo amarillo pico alas blanco kleiner klein petit pequeño auf im av du del
"""
FOREIGN_WORDS = frozenset(_FOREIGN_WORDS.split())


@dataclass(frozen=True)
class Entry:
    """What a word or phrase is: its kind (color, shape, mark, part, a function, stop) and its value there."""

    kind: str
    value: str
    near: bool = False  # a colour that is only the nearest one
    suffix: bool = False  # the second half of "black-capped"


def split(phrase: str) -> tuple[str, ...]:
    """The words of a phrase as the reader sees them: lower case, hyphens and spaces alike."""
    return tuple(phrase.lower().replace("-", " ").split())


def _part_words(part: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a part that the writer uses, and those that only the reader knows."""
    written, _, read = PART_TABLE[part].partition("|")
    return tuple(filter(None, map(str.strip, written.split(";")))), tuple(filter(None, map(str.strip, read.split(";"))))


#: Part -> the words the writer uses for it.
PART_WORDS: dict[str, tuple[str, ...]] = {part: _part_words(part)[0] for part in PART_TABLE}


def _lexicon() -> dict[tuple[str, ...], Entry]:
    entries: dict[tuple[str, ...], Entry] = {(word,): Entry("stop", word) for word in STOP_WORDS}
    for kind, words in FUNCTION_WORDS.items():
        entries.update({(word,): Entry(kind, word) for word in words.split()})
    # Phrases of several words come in through shapes too ("fan-shaped"), so shapes stand before colours and parts.
    for key, wordings in SHAPE_WORDS.items():
        entries.update({split(word): Entry("shape", " ".join(split(word))) for word in wordings})
        entries.update(
            {split(word): Entry("shape", " ".join(split(word))) for word in READ_SHAPES.get(key, "").split()}
        )
    for key in READ_SHAPES.keys() - SHAPE_WORDS.keys():
        entries.update({split(word): Entry("shape", " ".join(split(word))) for word in READ_SHAPES[key].split()})
    for near, table in ((True, NEAR_COLORS), (False, READ_COLORS)):
        for color, words in table.items():
            entries.update({split(word): Entry("color", color, near=near) for word in words.split()})
    for color, phrases in COLOR_WORDS.items():
        for phrase in phrases:
            entries[split(phrase)] = entries[split(phrase.replace("gray", "grey"))] = Entry("color", color)
    for marks, kind in ((MARK_WORDS, "mark"), (MARK_ADJECTIVES, "pattern")):
        for mark, words in marks.items():
            entries.update({(word,): Entry(kind, mark) for word in words.split()})
    for part in PART_TABLE:
        for wordings in _part_words(part):
            entries.update({split(word): Entry("part", part) for word in wordings})
    for bird in ("the bird", "this bird", "the birds", "its body", "the body"):
        entries.update({split(f"{of} {bird}"): Entry("stop", bird) for of in ("of", "on")})  # "the head of the bird"
    for word, part in ED_PARTS.items():
        entries[(word,)] = Entry("part", part, suffix=True)
    for around in ("around", "round", "about", "circling", "encircling", "surrounding"):
        for whose in ("the", "its", "his", "her", "each", "their", "both", ""):
            for eye in ("eye", "eyes"):
                for ring in ("ring", "rings", "circle", ""):
                    entries[split(f"{ring} {around} {whose} {eye}")] = Entry("part", "eyering")
    return entries


#: Every known word or phrase.
LEXICON: dict[tuple[str, ...], Entry] = _lexicon()
LONGEST = max(map(len, LEXICON))

#: Group -> adjective -> value, for the words of kind "shape".
SHAPES: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
for (_group, _value), _words in SHAPE_WORDS.items():
    SHAPES[_group].update({" ".join(split(word)): _value for word in _words})
for (_group, _value), _more in READ_SHAPES.items():
    SHAPES[_group].update({" ".join(split(word)): _value for word in _more.split()})
