"""What each type of toy can do: the vendor's file, its version 1.5, row by row."""

import pytest

from lovense.devices import toytable

# As the vendor's file has them: the letters of its columns.
FILE = {
    "v": "ambi c20 calor diamo domi exomoon ferri gush hush hyphy lush mission mission2 osci vulse",
    "v v1 v2": "dolce edge gemini qa01",
    "v v1 v2 v3": "lapis",
    "v r": "nora ridge",
    "v p": "max",
    "v f": "flexer",
    "v t": "gravity xmachine minixmachine",
    "v s": "tenera",
    "t d": "solace",
    "t pos": "solacepro",
    "o": "gush2",
}


def test_the_rows_are_those_of_the_vendors_file():
    expected = {name: letters for letters, names in FILE.items() for name in names.split()}
    assert len(expected) == 31
    assert {name: " ".join(row.letters) for name, row in toytable.TABLE.items()} == expected


def test_every_row_says_where_it_comes_from_and_its_main_function_is_one_of_its_own():
    for row in toytable.TABLE.values():
        assert row.main_function in row.functions
        assert (row.source, row.version) == ("LovenseToySupportConfig.csv", "1.5")
        assert row.confidence in ("high", "low")
    thrusts = {name for name, row in toytable.TABLE.items() if row.main_function == "Thrusting"}
    assert thrusts == {"xmachine", "minixmachine", "solace", "solacepro"}


def test_where_other_sources_disagree_the_vendors_row_stands_with_low_confidence():
    low = "calor diamo flexer gush2 hyphy lapis minixmachine osci solace solacepro tenera vulse xmachine"
    assert {name for name, row in toytable.TABLE.items() if row.confidence == "low"} == set(low.split())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Quake", "dolce"),
        ("solace pro", "solacepro"),
        ("mini xmachine", "minixmachine"),
        ("Sex  Machine", "xmachine"),
        (" LUSH\n", "lush"),
        ("exo moon", "exomoon"),
    ],
)
def test_other_names_lead_to_the_row(said, kind):
    assert toytable.of(said) is toytable.TABLE[kind]


@pytest.mark.parametrize("said", ["spinel", "", "lush 9", "constructor"])
def test_an_unknown_type_vibrates_and_says_that_nobody_has_verified_it(said):
    row = toytable.of(said)
    assert (row.type, row.functions, row.confidence) == (said, ("Vibrate",), "unverified")
    assert row.source == "default"


def test_functions_have_their_ranges():
    assert toytable.TABLE["max"].range == {"Vibrate": (0, 20), "Pump": (0, 3)}
    assert toytable.TABLE["solacepro"].range == {"Thrusting": (0, 20), "Position": (0, 100)}
    assert toytable.TABLE["solace"].range["Depth"] == (0, 3)


def test_position_excludes_thrusting_and_nothing_else_excludes_anything():
    groups = {name: row.exclusive_groups for name, row in toytable.TABLE.items() if row.exclusive_groups}
    assert groups == {"solacepro": (("Position",), ("Thrusting",))}
    assert set(toytable.NOT_USED) == {"Position", "PatternV2"}


def test_function_words_are_read_as_letters_or_names_and_unknown_ones_are_kept():
    words = ["v", "Rotate", "Bumping", " vibrate ", "squirt", 7, None, "", "pos", "v2"]
    assert toytable.read_functions(words) == (
        ("Vibrate", "Rotate", "Position", "Vibrate2"),
        ("Bumping", "squirt"),
    )


def test_of_many_or_long_words_only_so_much_is_kept():
    known, unsupported = toytable.read_functions(f"{number}{'x' * 99}" for number in range(1000))
    assert (known, len(unsupported), {len(word) for word in unsupported}) == ((), 32, {32})
