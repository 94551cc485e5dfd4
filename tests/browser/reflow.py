"""What is cut off, or makes a page scroll sideways, where it is read otherwise than usual: at 400 %, which is
a window of 320 pixels, with more space in its text (WCAG 2.2, 1.4.12), with text twice as large, and in
colours that the system forces."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

_FINDINGS = """() => {
    const root = document.documentElement, wider = root.scrollWidth - root.clientWidth;
    const found = wider > 0 ? [`${wider} px too wide`] : [];
    const hides = ({ overflowX, overflowY }) => /hidden|clip/.test(overflowX + overflowY);
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
        if (!own.length || element.closest("svg, .hidden-text, .skip, option")) continue;
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const range = document.createRange();
        range.setStartBefore(own[0]);
        range.setEndAfter(own.at(-1));
        const text = range.getBoundingClientRect();
        for (let around = element; around !== document.body; around = around.parentElement) {
            const style = getComputedStyle(around), box = around.getBoundingClientRect();
            if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
            if (!hides(style) || style.textOverflow === "ellipsis" || style.clipPath !== "none") continue;
            if (text.top >= box.bottom || text.bottom <= box.top) break; // left out as a whole
            const beyond = Math.max(text.right - box.right, box.left - text.left, text.bottom - box.bottom);
            // A sign may stand in place of a word, at twice the size of letters, too.
            if (box.width > 20 && beyond > 1.5) {
                const where = element.className || element.tagName, words = own[0].data.trim().slice(0, 40);
                found.push(`${Math.round(beyond)} px cut: ${where} ${words}`);
            }
            break;
        }
    }
    return found;
}"""
_SPACED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet];
}"""
NARROW, AT_400, LARGE = (320, 780), (320, 256), (820, 1180)


def findings(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_FINDINGS)
    return found


def otherwise(page: Page) -> dict[str, list[str]]:
    """By how it is read, what is wrong; the page is left as it was, but for its size."""
    found = {}
    for name, size in (("320", NARROW), ("400 %", AT_400)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        found[name] = findings(page)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    with _spaced(page):
        found["text spacing"] = findings(page)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    found["forced colours"] = findings(page)
    page.emulate_media(forced_colors="none", reduced_motion="reduce")
    page.set_viewport_size({"width": LARGE[0], "height": LARGE[1]})
    with larger(page):
        found["text 200 %"] = findings(page)
    return {name: said for name, said in found.items() if said}


@contextmanager
def _spaced(page: Page) -> Iterator[None]:
    page.evaluate(_SPACED)
    yield
    page.evaluate("document.adoptedStyleSheets = []")


@contextmanager
def larger(page: Page) -> Iterator[None]:
    """As somebody has it whose browser is set to letters of twice the size; also what a page asks of its
    window in letters goes by it."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    yield
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    session.detach()
