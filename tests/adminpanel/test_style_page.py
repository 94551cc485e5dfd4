"""The style page: every component is shown there, and no other template uses what only a component may."""

import re
from pathlib import Path

import pytest
from django.template import engines

from config.settings import BASE_DIR
from ground.ui.controls import NoSuchKind
from tests.pages import inline_code
from tools import icons

TEMPLATES = BASE_DIR / "templates"
UI = TEMPLATES / "ui"
OTHERS = sorted(file for file in TEMPLATES.rglob("*.html") if UI not in file.parents)
PAGE = "/staff/style"


@pytest.fixture
def shown(client, dina):
    client.force_login(dina)
    return client.get(PAGE)


def test_only_staff_see_it(client, ana):
    assert client.get(PAGE).status_code == 302
    client.force_login(ana.user)
    assert client.get(PAGE).status_code == 403


def test_every_component_is_shown(shown):
    rendered = {Path(template.name).name for template in shown.templates if template.name.startswith("ui/")}
    assert {file.name for file in UI.glob("*.html")} - rendered == set()


def test_it_keeps_to_the_content_security_policy(shown):
    assert inline_code(shown.content.decode()) == []


def test_no_id_is_given_twice(shown):
    ids = re.findall(r'\sid="([^"]*)"', shown.content.decode())
    assert sorted({each for each in ids if ids.count(each) > 1}) == []


def test_what_is_pointed_at_is_there(shown):
    html = shown.content.decode()
    ids = set(re.findall(r'\sid="([^"]*)"', html))
    pointing = re.findall(r'\s(?:for|popovertarget|aria-labelledby|aria-describedby)="([^"]*)"', html)
    assert {each for names in pointing for each in names.split()} - ids == set()


def test_numbers_of_a_drawing_are_written_with_a_point_in_any_language(shown):
    places = re.findall(r'\s(?:x|y|width|height|x1|x2|y1|y2)="([^"]*)"', shown.content.decode())
    assert [place for place in places if not re.fullmatch(r"-?\d+(\.\d+)?%?", place)] == []


# --- what a component alone may do -------------------------------------------------------------------------


def classes_of_components(html):
    """The classes of components that a template gives an element of its own."""
    given = " ".join(re.findall(r'class="([^"]*)"', html))
    return sorted(set(re.findall(r"(?<![\w-])ui-[\w-]+", given)))


@pytest.mark.parametrize("file", OTHERS, ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_the_class_of_a_component_stands_in_its_own_file(file):
    assert classes_of_components(file.read_text()) == []


def test_a_planted_class_is_caught():
    assert classes_of_components('<p class="small ui-badge {% if x %}ui-row{% endif %}">') == [
        "ui-badge",
        "ui-row",
    ]


def test_no_template_carries_style_or_script():
    for file in TEMPLATES.rglob("*.html"):
        html = file.read_text()
        assert re.findall(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=|javascript:", html) == [], file


def test_no_template_of_a_component_is_too_wide_to_be_read():
    files = [*UI.glob("*.html"), *(TEMPLATES / "adminpanel" / "style").glob("*.html")]
    wide = [(file.name, line) for file in files for line in file.read_text().splitlines() if len(line) > 110]
    assert wide == []


def test_every_class_of_a_component_has_its_file():
    """`.ui-card__head` belongs to some file of `ui/`: nothing is left over in the stylesheet."""
    sheets = [BASE_DIR / "static" / "css" / f"{name}.css" for name in ("base", "figures", "parts")]
    css = "".join(sheet.read_text() for sheet in sheets)
    scripts = "".join(file.read_text() for file in (BASE_DIR / "static" / "js" / "ui").glob("*.js"))
    html = "".join(file.read_text() for file in UI.glob("*.html")) + scripts
    code = "".join(file.read_text() for file in (BASE_DIR / "ground" / "ui").glob("*.py"))
    used = set(re.findall(r"ui-[\w-]+", html + code))
    assert set(re.findall(r"\.(ui-[\w-]+)", css)) - used == set()


# --- icons -------------------------------------------------------------------------------------------------


def test_every_icon_that_is_asked_for_is_in_the_sprite():
    html = "".join(file.read_text() for file in TEMPLATES.rglob("*.html"))
    code = "".join(file.read_text() for file in (BASE_DIR / "ground" / "ui").glob("*.py"))
    asked = set(re.findall(r'(?:ui_icon|icon=|after=|ui_empty) ?"([a-z0-9-]+)"', html))
    asked |= set(re.findall(r'"(battery-[a-z]+|circle-[a-z]+|trending-[a-z]+)"', code))
    assert asked - set(icons.names()) == set()


def test_the_sprite_has_the_icons_of_the_list_in_its_order():
    assert re.findall(r'<symbol id="([^"]+)"', icons.SPRITE.read_text()) == icons.names()
    assert icons.names() == sorted(set(icons.names()))


def test_a_symbol_keeps_the_shapes_alone():
    drawing = (
        '<svg class="x"\n stroke="currentColor">\n <path\n d="M1 2" />\n <circle cx="1" cy="2" r="3" /></svg>'
    )
    drawn = icons.symbol("dot", drawing)
    assert (
        drawn == '<symbol id="dot" viewBox="0 0 24 24"><path d="M1 2"/><circle cx="1" cy="2" r="3"/></symbol>'
    )


# --- tags --------------------------------------------------------------------------------------------------


def rendered(template, **context):
    return engines["django"].from_string("{% load ui %}" + template).render(context)


def test_what_a_viewer_wrote_is_text_in_every_component():
    name = '<img src=x onerror="alert(1)">'
    html = rendered(
        "{% rows %}{% row name words=name %}{{ name }}{% endrow %}{% endrows %}{% ui_badge name %}", name=name
    )
    assert "<img" not in html
    assert html.count("&lt;img") == 4


def test_a_kind_that_the_design_does_not_have_is_refused():
    with pytest.raises(NoSuchKind, match="'red' is none of main, plain"):
        rendered('{% ui_button "Stop" kind="red" %}')


def test_an_id_is_shortened_in_the_middle_and_copied_whole():
    html = rendered('{% ui_copy "507f191e810c19729de860ea" %}')
    assert "507f19…e860ea" in html
    assert 'value="507f191e810c19729de860ea"' in html


def test_a_dialog_is_not_modal_and_ends_in_stop():
    html = rendered(
        '{% dialog id="ask" title="Remove 4?" stop="/live/stop" token="t" %}They do not play.{% enddialog %}'
    )
    assert '<dialog class="ui-over" id="ask" popover' in html
    assert html.index("They do not play.") < html.index("data-stop") < html.index("STOP")
