"""What is served together: each module once, where all who need it find it, and nothing that would change
what a module means."""

import pytest

from config import joining, static
from config.settings import BASE_DIR

LINES = {
    "js/page.js": 'import { tick } from "./clock.js";\nimport "./side.js";\ntick();\nimport("./later.js");\n',
    "js/clock.js": "export function tick() {}\n",
    "js/side.js": 'import { tick as beat } from "./clock.js";\nbeat();\n',
    "js/later.js": 'import * as clock from "./clock.js";\n'
    'export const [A, B] = [clock, import("./ui/last.js")];\n',
    "js/ui/last.js": 'import { A } from "../later.js";\nimport { C } from "./shape.js";\nexport { A };\n',
    "js/ui/shape.js": 'export class C {}\nexport const where = new URL("../ticker.js", import.meta.url);\n',
    "js/ticker.js": "onmessage = () => {};\n",
}


def joined(**changed):
    return joining.modules(LINES | {f"js/{name}.js": text for name, text in changed.items()}, ("js/page.js",))


def test_what_is_imported_at_once_is_in_the_file_and_what_comes_later_has_one_of_its_own():
    files = joined()
    assert sorted(files) == ["js/later.js", "js/page.js", "js/ticker.js", "js/ui/last.js"]
    assert [name for name in LINES if f'"{name}": () =>' in files["js/page.js"]] == [
        "js/page.js",
        "js/clock.js",
        "js/side.js",
    ]


def test_what_is_no_module_of_a_page_is_served_as_it_is():
    assert joined()["js/ticker.js"] == LINES["js/ticker.js"]


def test_what_two_need_stands_where_both_are_reached_from():
    shared = LINES["js/later.js"] + 'import("./other.js");\n'
    files = joined(later=shared, other='import { C } from "./ui/shape.js";\nnew C();\n')
    assert '"js/ui/shape.js": () =>' in files["js/later.js"]
    assert '"js/ui/shape.js": () =>' not in files["js/other.js"] + files["js/ui/last.js"]


def test_names_are_given_and_taken_as_they_were_written():
    files = joined()
    assert 'const { tick } = need("js/clock.js");\nneed("js/side.js");\ntick();' in files["js/page.js"]
    assert 'const { tick: beat } = need("js/clock.js");' in files["js/page.js"]
    assert 'const clock = need("js/clock.js");\nconst [A, B] = ' in files["js/later.js"]
    assert "return { A, B };" in files["js/later.js"]
    assert "return { A };" in files["js/ui/last.js"]


def test_addresses_are_those_of_the_file_in_which_a_module_now_stands():
    assert 'bring(import("./ui/last.js"), "js/ui/last.js")' in joined()["js/later.js"]
    assert 'new URL("../ticker.js", import.meta.url)' in joined()["js/ui/last.js"]
    moved = joined(side='import { where } from "./ui/shape.js";\n')
    assert 'new URL("./ticker.js", import.meta.url)' in moved["js/page.js"]


def test_what_others_made_stays_a_file_of_its_own():
    files = joined(side='import Box from "../vendor/box.js";\nnew Box();\n')
    assert files["js/page.js"].startswith('import Box from "../vendor/box.js";\n')


@pytest.mark.parametrize(
    "said",
    [
        "export let changes = 1;",
        "export default function () {}",
        'export * from "./clock.js";',
        "await 0;",
        "const need = 1;",
        "import {\n  tick,\n} from './clock.js';",
        'import "./gone.js";',
    ],
)
def test_what_would_mean_something_else_is_refused_by_its_name(said):
    with pytest.raises(joining.CannotJoin, match=r"js/(side|gone)\.js: "):
        joined(side=f"{said}\n")


def test_a_stylesheet_has_those_that_it_imports_in_their_place():
    texts = {"css/page.css": '/* a page */\n@import "base.css";\n.x { }\n', "css/base.css": ".base { }\n"}
    assert joining.sheets(texts)["css/page.css"] == "/* a page */\n.base { }\n.x { }\n"


# --- the real ones ------------------------------------------------------------------------------------------

SCRIPTS = {
    str(file.relative_to(BASE_DIR / "static")): file.read_text()
    for file in (BASE_DIR / "static/js").rglob("*.js")
}


def test_no_document_can_have_a_module_of_ours_twice():
    files = joining.modules(SCRIPTS, static.PAGES)
    of_staff = {page for page in static.PAGES if page != "js/frame.js"}
    hers = "".join(text for name, text in files.items() if name not in of_staff)
    counts = {name: hers.count(f'"{name}": () =>') for name in SCRIPTS}
    assert {name for name, count in counts.items() if count > 1} == set()
    assert {name for name, count in counts.items() if not count} == {
        *("js/early.js", "js/theme.js", "js/ticker.js"),  # no modules
        *(
            "js/asking.js",
            "js/lists.js",
            "js/marks.js",
            "js/staff.js",
            "js/staffnews.js",
            "js/ui/records.js",
            "js/when.js",
        ),  # on pages of the staff
        *("js/ui/age.js", "js/ui/all.js", "js/ui/countdown.js", "js/ui/range.js"),  # on the style page alone
    }
