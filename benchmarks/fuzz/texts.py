"""What hostile people type into fields, addresses and files, for Hypothesis to make more of."""

from __future__ import annotations

from urllib.parse import quote_plus

from hypothesis import strategies as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.worlds.described import Described

#: Each means something to somebody: a browser, Markdown, Streamlit, LaTeX, a spreadsheet, a shell, a database.
PIECES = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</p></div>", "<!--", "]]>", "&lt;b&gt;", "&#58;",
    "<b>",
    "<a href='javascript:alert(1)'>", "\"'><svg/onload=alert(1)>", "**b**", "__b__", "*", "_", "~~", "`", "```", "~~~",
    "# ", "> ", "- ", "+ ", "1. ", "1) ", "---", "***", "===", "| a | b |\n|---|---|", "[a](http://evil.example)",
    "![a](http://evil.example/p.png)", "[a]: http://evil.example", "[^1]", "http://evil.example", "HTTPS://evil.example",
    "www.evil.example", "me@evil.example", "mailto:a@b.cd", "<http://evil.example>", "\\", "\\\\", "\\:", ":red[a]",
    ":red-badge[a]", ":rainbow[a]", ":small[a]", ":help[a]", ":color[a]{foreground=red}", "::: a", "::a[b]", ":smile:",
    ":+1:", ":material/home:", ":streamlit:", "$x^2$", "$$y$$", "\\(x\\)", r"\href{javascript:alert(1)}{x}", "->", "<-",
    "--", ">=", "~=", "<->", "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", ";=1", "\r\n=1", "%0a", "'",
    '"', '""', ",", ";", "|", "＝1", "\u200b=1", "\ufeff=1", "../../etc/passwd", "..\\..\\x", "CON", "file:///etc/passwd",
    "{0}", "{x!r}", "%s", "%{y}", "%(a)s", "${HOME}", "$(id)", "`id`", "'; drop table notebooks; --", "%", "_%", "\x00",
    "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\u200b",
    "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufffd", "\uffff", "\ud800", "\udfff", "\U000e0041", "\u0301" * 40, "אבג",
    "مرحبا", "١٢٣", "ǆ", "ﬁ", "İ", "ß", "💩", "👩‍👩‍👧", "\n", "\r", "\n\n", "    ", "a\nb", "'''", '"""', "\\N{DASH}",
    "__import__('os')", "None", "null", "NaN", "1e999", "0" * 40, "9" * 40, "~", ".", "~.~", "*5f*", "nan",
    "<br>", "<br/>",
)  # fmt: skip

#: Words that a description may hold, so that reading it goes on past its first words.
WORDS = (
    "a", "red", "black", "white bars", "bird", "wings", "with", "and", "or", ",", ".", "no", "crest", "small", "large",
    "long", "hooked", "bill", "tail", "forked", "belly", "its", "is", "not", "the", "spotted", "breast", "eye ring",
)  # fmt: skip


def texts(most: int = 40) -> st.SearchStrategy[str]:
    """Pieces, words and any characters at all, mixed; sometimes very long."""
    anything = st.text(st.characters(), max_size=12)
    parts = st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(WORDS), anything), max_size=most)
    mixed = st.tuples(st.sampled_from(["", " "]), parts).map(lambda found: found[0].join(found[1]))
    long = st.tuples(st.one_of(st.sampled_from(PIECES), st.sampled_from(WORDS)), st.sampled_from([300, 1000, 20_000]))
    return st.one_of(mixed, mixed, mixed, mixed, mixed, mixed, mixed, long.map(lambda found: found[0] * found[1]))


def sentences() -> st.SearchStrategy[str]:
    """Descriptions in which something is understood, with hostile pieces among the words."""
    return st.tuples(texts(12), texts(6)).map(lambda found: f"a red bird {found[0]} with black wings {found[1]}")


#: Every name that a page reads from an address.
NAMES = (
    "text", "picks", "of", "project", "neuron", "off", "notebook", "shelf", "now_text", "now_picks", "tour", "kept",
    "proof", "sheet", "compare", "search", "find", "clear", "part", "embed", "embed_options", "",
)  # fmt: skip

_PICKS = tuple(
    Described("", dict(picks)).key
    for picks in ({"crown_color": "black"}, {"size": "small", "bill_shape": "hooked"}, dict.fromkeys(GROUPS, "red"))
)
_LIKELY = (
    *_PICKS, "birds", "17", "0", "-1", "127", "128", "99999999", "٣", "1~2", "1~1~1", "0.0", "3.50~4.200", "true",
    "false",
    "a" * 32, "f" * 32, "0" * 32, "text=a+red+bird&picks=size.small", "picks=%ff&text=%00", "abcdef", "../..", "crown",
)  # fmt: skip


def addresses() -> st.SearchStrategy[dict[str, str]]:
    """Names and values of an address, as a browser hands them over (so without lone surrogates)."""
    name = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), texts(2))
    value = st.one_of(st.sampled_from(_LIKELY), sentences(), texts())
    return st.dictionaries(name.map(_carried), value.map(_carried), max_size=8)


def _carried(text: str) -> str:
    """A text after its way through an address and UTF-8."""
    return text.encode("utf-8", "replace").decode()


def query(address: dict[str, str]) -> str:
    """An address as one string."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in address.items())
