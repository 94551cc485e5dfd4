"""The stylesheets, the scripts and what is vendored: enough contrast in both themes, nothing that is no
token, nothing from elsewhere, and a size that a first visit can bear."""

import gzip
import hashlib
import itertools
import re

import pytest

from config import static
from config.settings import BASE_DIR

STATIC = BASE_DIR / "static"
SHEETS = [
    STATIC / "css" / f"{name}.css"
    for name in (
        *("tokens", "base", "pages", "bare", "staff", "staffframe", "figures", "history"),
        *(
            "devices",
            "menu",
            "patterns",
            "preferences",
            "welcome",
            "access",
            "admin",
            "parts",
            "records",
            "tip",
            "settings",
            "screen",
        ),
    )
]
TOKENS_CSS, BASE_CSS, *OF_PAGES = (sheet.read_text() for sheet in SHEETS)
RULES = BASE_CSS + "".join(OF_PAGES)
CSS = TOKENS_CSS + RULES
SCRIPTS = sorted([*(STATIC / "js").glob("*.js"), *(STATIC / "js" / "ui").glob("*.js")])
# The one sheet that admin.css stands on.
DJANGOS_OWN = '@import url("../admin/css/base.css")'
MOST_CSS, MOST_PRELOADED = 14_000, 20_480
MOST_SCRIPT, MOST_ON_LIVE = 32_768, 49_152

# What the tokens are for everybody, for those who asked for more contrast, and for forced colours.
NORMAL, _, _REST = TOKENS_CSS.partition("@media (prefers-contrast: more)")
MORE, _, FORCED = _REST.partition("@media (forced-colors: active)")
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
TOKENS = {name: colours for name, *colours in PAIR.findall(NORMAL)}
CONTRASTS = {"normal": TOKENS, "more": TOKENS | {name: both for name, *both in PAIR.findall(MORE)}}
THEMES = {"light": 0, "dark": 1}

INKS, GROUNDS = ("ink", "ink-soft", "ink-faint"), ("ground", "surface", "raised", "sunken")
TONES = ("good", "warn", "bad", "info", "accent")
CHART = tuple(f"chart-{number}" for number in range(1, 6))
# The steps of a heat map: so much of the accent on the surface, with the number in ink.
STEPS = tuple(f"{share}% of accent on surface" for share in (10, 20, 30, 42))
# Text on ground, 4.5 : 1 (WCAG 2.2 AA, any size).
TEXT = [
    *itertools.product(INKS, GROUNDS),
    *((tone, f"{tone}-soft") for tone in TONES),
    *itertools.product(("ink", "ink-soft"), [f"{tone}-soft" for tone in TONES]),
    *itertools.product(("accent", "accent-strong"), ("ground", "surface", "raised")),
    *itertools.product(TONES, ("ground", "surface", "raised")),
    *itertools.product(("ink",), STEPS),
    *itertools.product(INKS, ("6% of ink on surface", "6% of ink on ground", "6% of ink on raised")),
    ("ink-faint", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-stop", "stop"),
    ("on-stop", "stop-strong"),
    ("code", "code-ground"),
]
# The outline of a control, the focus ring and the bars of a chart, against what is around: 3 : 1.
SHAPES = [
    *itertools.product(("line-strong", "accent", "good"), GROUNDS),
    *itertools.product(("accent", "line-strong"), ("accent-soft",)),
    *itertools.product(("stop",), ("surface", "ground")),
    *itertools.product(("bad",), ("surface", "bad-soft")),
    *itertools.product(CHART, ("surface",)),
]
LOWEST_TEXT, LOWEST_SHAPE = 4.51, 3.30


def mixed(name, tokens, theme):
    """A token's colour; `10% of accent on surface` is what `color-mix(in srgb, …)` makes of two."""
    if " of " not in name:
        return tokens[name][theme]
    share, over, under = re.fullmatch(r"(\d+)% of (\S+) on (\S+)", name).groups()
    both = [[int(tokens[each][theme][at : at + 2], 16) for at in (1, 3, 5)] for each in (over, under)]
    parts = [(top * int(share) + low * (100 - int(share))) / 100 for top, low in zip(*both, strict=True)]
    return "#" + "".join(f"{round(part):02x}" for part in parts)


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other, theme, tokens=TOKENS):
    light, dark = sorted(
        (luminance(mixed(name, tokens, THEMES[theme])) for name in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_right_at_its_ends():
    assert (luminance("#ffffff"), luminance("#000000")) == (1.0, 0.0)
    assert contrast("ink", "ink", "light") == 1.0
    assert mixed("50% of code on code-ground", TOKENS, 0) == "#808080"


@pytest.mark.parametrize("asked", CONTRASTS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("pairs", "least"), [(TEXT, LOWEST_TEXT), (SHAPES, LOWEST_SHAPE)], ids=["text", "shapes"]
)
def test_every_pair_has_enough_contrast(asked, theme, pairs, least):
    tokens = CONTRASTS[asked]
    found = {f"{one} on {other}": round(contrast(one, other, theme, tokens), 2) for one, other in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_who_asks_for_more_contrast_gets_seven_to_one(theme):
    pairs = [*itertools.product(INKS, GROUNDS), *((tone, f"{tone}-soft") for tone in TONES)]
    found = {f"{one} on {other}": contrast(one, other, theme, CONTRASTS["more"]) for one, other in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 7} == {}


def test_every_colour_of_a_shape_has_its_value_where_colours_are_forced():
    """Text and surfaces the browser paints by itself then; what an SVG says of its shapes it leaves alone."""
    drawn = set(re.findall(r"(?:fill|stroke): var\(--([\w-]+)\)", BASE_CSS + OF_PAGES[0]))
    assert drawn - set(re.findall(r"--([\w-]+): [A-Z]\w+;", FORCED)) == set()


def test_colours_are_written_only_as_tokens():
    assert re.findall(r"#[0-9a-f]{3,8}\b(?! ?\{)|rgb\(|hsl\(|oklch\(", RULES) == []


# A length of its own has what is drawn, and how wide something is; not type, distance, radius or time.
_MEASURED = re.compile(
    r"(?<![\w-])((?:padding|margin|scroll-margin)(?:-[a-z-]+)?|(?:row-|column-)?gap|font(?:-size|-weight)?|"
    r"line-height|letter-spacing|border(?:-[a-z-]+)?-radius|transition(?:-[a-z-]+)?|box-shadow): ([^;{}]+);"
)
_OWN = re.compile(r"(?<![\w-])-?\d*\.?\d+(?:rem|px|em|ms|s)\b")
_ALLOWED = {"font-size: 0.9em", "box-shadow: inset 0 0 0 1px var(--bad)"}


def own_measures(css):
    return [
        f"{name}: {value}"
        for name, value in _MEASURED.findall(css)
        if _OWN.search(value) and f"{name}: {value}" not in _ALLOWED
    ]


def test_type_distances_radii_and_times_are_written_only_as_tokens():
    assert own_measures(RULES) == []


def test_a_planted_distance_is_caught():
    planted = (
        ".x { padding: var(--s1) 3px; font-size: 14px; transition: color 90ms; width: 7rem; margin: 0; }"
    )
    assert own_measures(planted) == ["padding: var(--s1) 3px", "font-size: 14px", "transition: color 90ms"]


def test_the_tokens_are_values_and_nothing_else():
    inside = re.findall(r"^ +([\w-]+): ", TOKENS_CSS, re.M)
    assert [name for name in inside if not name.startswith("--")] == ["color-scheme"]


def test_a_token_that_is_used_exists():
    used, made = set(re.findall(r"var\((--[\w-]+)", CSS)), set(re.findall(r"^ +(--[\w-]+):", CSS, re.M))
    assert used - made == set()


def test_a_filled_red_is_stop_and_nothing_else():
    filled = re.findall(r"([^{}]+)\{[^{}]*background(?:-color)?: var\(--(?:stop|stop-strong|bad)\)", RULES)
    assert [rule for rule in filled if "stop" not in rule] == []


def test_motion_stops_for_those_who_asked():
    assert "prefers-reduced-motion: reduce" in BASE_CSS


def test_no_line_of_a_stylesheet_is_too_long():
    assert [line for line in CSS.splitlines() if len(line) > 110] == []


_ELSEWHERE = re.compile(
    r"https?://|@import (?!\"[a-z]+\.css\";)|url\((?!\"\.\./fonts/)"
    r"|\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|\.style\.cssText"
)


@pytest.mark.parametrize("file", [*SHEETS, *SCRIPTS], ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere_or_is_evaluated(file):
    assert _ELSEWHERE.findall(file.read_text().replace(DJANGOS_OWN, "")) == []


# --- weight -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """By name the packed bytes of all that is served of ours, as nginx packs it."""
    files = (file for folder in ("css", "js") for file in (STATIC / folder).rglob("*.*"))
    texts = static.served({str(file.relative_to(STATIC)): file.read_text() for file in files})
    return {name: packed(text.encode()) for name, text in texts.items()}


def packed(content):
    return len(gzip.compress(content, 6))


@pytest.mark.parametrize(
    "names",
    [
        ["pages"],
        ["pages", "devices"],
        ["pages", "welcome"],
        ["pages", "history"],
        ["pages", "menu"],
        ["pages", "patterns"],
        ["pages", "preferences"],
        ["bare", "staff"],
        ["staffframe", "parts", "records"],
        ["staffframe", "parts", "access", "settings"],
    ],
    ids=[
        "performer",
        "devices",
        "welcome",
        "history",
        "menu",
        "patterns",
        "preferences",
        "staff",
        "lists",
        "settings",
    ],
)
def test_the_stylesheets_of_a_page_weigh_less_than_fourteen_kilobytes(served, names):
    """Of performers' and staff's pages each loads its own; the first has the tokens and the base in it."""
    assert sum(served[f"css/{name}.css"] for name in names) <= MOST_CSS


# What a page loads, by how its document began. Of her paths one is loaded; her own network is the largest.
ON_EVERY_PAGE = ("early", "frame", "theme", "ticker")
OF_A_PATH = ("virtual", "ownnetwork", "bridges/extension")
OF_OTHERS = ("devices", "patterns", "history", "menu", "preferences")


def scripts(served, *names):
    htmx = packed((STATIC / "vendor/htmx.min.js").read_bytes())
    return htmx + sum(served[f"js/{name}.js"] for name in (*ON_EVERY_PAGE, *names))


@pytest.mark.parametrize("path", OF_A_PATH)
def test_the_scripts_of_live_weigh_less_than_48_kilobytes(served, path):
    assert scripts(served, "device", path) <= MOST_ON_LIVE


@pytest.mark.parametrize("page", OF_OTHERS)
def test_the_scripts_of_her_other_pages_weigh_less_than_32(served, page):
    assert scripts(served, page) <= MOST_SCRIPT


def test_no_script_of_hers_is_left_out_of_the_scales(served):
    weighed = {f"js/{name}.js" for name in (*ON_EVERY_PAGE, "device", *OF_A_PATH, *OF_OTHERS)}
    # The palette is loaded when it is opened; the others stand on pages of the staff.
    of_staff = {f"js/{name}.js" for name in ("lists", "marks", "staffnews", "staff", "ui/all")}
    others = {"js/palette.js"} | of_staff
    assert {name for name in served if name.startswith("js/")} == weighed | others


def test_the_font_that_is_preloaded_weighs_twenty():
    assert (STATIC / "fonts" / "figtree-latin.woff2").stat().st_size <= MOST_PRELOADED


# --- what is vendored ---------------------------------------------------------------------------------------

VENDORED = [
    ("vendor/htmx.LICENSE", "htmx 4.0.1", ["vendor/htmx.min.js"]),
    ("vendor/combobox-nav.LICENSE", "@github/combobox-nav@3.0.2", ["vendor/combobox-nav.js"]),
    ("img/icons.LICENSE", "lucide-static@1.62.0", ["img/icons.svg"]),
    (
        "fonts/figtree.LICENSE",
        "figtree@5.3.0",
        ["fonts/figtree-latin.woff2", "fonts/figtree-latin-ext.woff2"],
    ),
]


@pytest.mark.parametrize(("licence", "words", "files"), VENDORED, ids=lambda each: str(each)[-24:])
def test_a_vendored_file_is_the_one_that_its_licence_names(licence, words, files):
    said = (STATIC / licence).read_text()
    assert words in said
    for file in files:
        assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() in said
