"""Limits on everything that comes from outside: one constant each, and why it is as high as it is.

What is at a limit is taken, what is one past it is refused with a sentence (`tests/test_limits.py`). The module imports
nothing, so that a page can name a limit before anything else is loaded. MB and GB below are 2^20 and 2^30 bytes.
"""

MB, GB = 2**20, 2**30

# Pictures: uploaded, in a zip, or in a data set's folder.
#: Bytes of a picture's file: what a camera writes at its best quality.
PICTURE_BYTES = 10 * MB
#: Pixels: what telephones take; decoded they are 160 MB, and a decoder needs up to three times that for a moment.
PICTURE_PIXELS = 40_000_000
#: Pixels of the longer side: a panorama's. Narrow strips of millions of pixels are no photos, and nothing shows them.
PICTURE_SIDE = 20_000
#: Scans of a progressive JPEG. Encoders write about ten; each one goes over every pixel again, 20 ms for 36 megapixels,
#: and 59 bytes are enough for one.
PICTURE_SCANS = 100
#: Parts of a picture's file before its pixels, and chunks of a PNG: they are read one by one. A colour profile or a
#: comment takes a few hundred, a PNG in pieces of 8 kB 1,280.
PICTURE_PARTS = 10_000

# Zips of class folders.
#: Bytes of the zip; the server takes no larger upload either (`.streamlit/config.toml`).
ZIP_BYTES = 200 * MB
#: Bytes of all its files together, unpacked: what the disk has to have room for.
ZIP_UNPACKED_BYTES = GB
#: How many times its own size a zip may unpack to, beyond the first ZIP_FREE_BYTES. Pictures are packed already.
ZIP_RATIO = 100
ZIP_FREE_BYTES = 10 * MB
#: Entries: a hundred pictures of two hundred classes.
ZIP_FILES = 20_000
#: Folders and name of an entry's path: class folders inside whatever somebody packed.
ZIP_DEPTH = 8
#: Bytes of its table of contents, which is read as a whole: ZIP_FILES entries with long names.
ZIP_DIRECTORY_BYTES = 8 * MB
#: Pixels of all pictures together, as their headers say: ZIP_FILES pictures of 450 x 450. Each is decoded once, at some
#: 50 to 100 megapixels a second.
ZIP_PIXELS = 4_000_000_000

# Names: of classes, attributes, files, folders.
#: Bytes of a file's or a folder's name, as file systems have them.
NAME_BYTES = 255
#: Bytes of a whole path below a folder; file systems take 4,096, of which the folder needs some.
PATH_BYTES = 2000
#: Characters of an attribute's name, which is a column's title.
ATTRIBUTE_CHARACTERS = 255

# classes.csv, and what it says of a person's classes.
CLASS_TABLE_BYTES = 5 * MB
CLASSES = 10_000
#: Columns: the widest sentence embeddings. CLASSES rows of as many numbers take 164 MB.
TABLE_COLUMNS = 4096

# Text files of official data sets, which lie on the server's own disk.
#: Bytes of a list or a table of numbers; the longest of CUB’s has 4.4 MB. As text they take up to eight times as much.
TEXT_BYTES = 32 * MB
#: Bytes of attributes image by image; CUB's file has 3.7 million lines and 94 MB.
IMAGE_ATTRIBUTES_BYTES = 256 * MB
#: Lines of any text file that is read line by line: each becomes an object of its own.
TEXT_LINES = 1_000_000
#: Numbers must be below this: larger ones would overflow once they are squared in float32.
NUMBER = 1e15
#: Bytes of a photo's captions, and how many there may be; CUB has ten of about 60 characters.
CAPTIONS_BYTES = 64 * 2**10
CAPTIONS = 100

# MATLAB files of the proposed splits, read in a process of their own.
#: Bytes; res101.mat of AwA2 has 600 MB, nearly all of them features that are skipped.
MAT_BYTES = 2 * GB
#: Values of one variable: an image's path or number each; the largest data set, AwA2, has 37,322 images.
MAT_VALUES = 1_000_000
#: Characters of one text in a cell: a path.
MAT_CHARACTERS = 4096
#: Bytes of address space of the reading process; its libraries take 1 to 2 GB of that before they begin.
MAT_MEMORY = 4 * GB
#: Seconds; reading takes less than two.
MAT_SECONDS = 60

# JSON documents and tensors of a project's folder.
#: Bytes of project.json: CLASSES names of classes and TABLE_COLUMNS of attributes, with their figures.
DOCUMENT_BYTES = 16 * MB
#: Bytes of draft.json: the numbers of a whole classes.csv, written one a line.
DRAFT_BYTES = 128 * MB
#: Bytes of neurons.json; 128 neurons take 0.3 MB, and networks have up to 2,048 in a layer.
DICTIONARY_BYTES = 64 * MB
#: Opening brackets in a JSON document: each becomes an object of 64 bytes or more, however short it is. A dictionary of
#: 2,048 neurons has 60,000, a full notebook 12,000 beside those that people type.
JSON_BRACKETS = 200_000
#: Bytes of a tensor file; torchvision's largest network has 2.5 GB.
TENSOR_FILE_BYTES = 4 * GB
#: Bytes of a tensor file's header, which is parsed as a whole: a network of 1,000 tensors needs 100 kB.
TENSOR_HEADER_BYTES = MB
#: Bytes that a network may have beyond four times the bytes of its tensors; it is not built before they are compared.
NETWORK_SPARE_BYTES = 64 * MB
#: Characters of a network's and of its layers' names.
NETWORK_CHARACTERS = 64
LAYER_CHARACTERS = 1000

# The download of CUB-200-2011.
#: Bytes; the archive has 1.1 GB.
DOWNLOAD_BYTES = 2 * GB
#: Seconds without an answer.
DOWNLOAD_SECONDS = 30

# What people type, and what a notebook keeps of it (characters).
DESCRIPTION = 1000
#: Picked attributes of an address ("crown_color.black~size.small"); more is cut off.
KEY = 2000
#: A caption that is read for attributes; the rest is left out, so that reading stays quick.
CAPTION = 20_000
PROJECT_TITLE = 80
ENTRY_TITLE = 120
NOTE = 20_000
EXPLANATION = 2000
#: A name of a class or an attribute that a notebook keeps.
WORD = 200
SEARCH = 200

# A notebook, in the database and as a file.
#: Bytes of a file that is read; a full notebook of a network with 512 channels is smaller.
NOTEBOOK_BYTES = 32 * MB
ENTRIES = 2000
PICKS = 64
FIGURES = 40
CHANNELS = 16_384

# What may be said back.
#: Characters of the sentence of an `InputError`, whatever it quotes.
SENTENCE = 1000
