"""What axe-core finds on a page, of any severity: its rules for WCAG 2.0 to 2.2, A and AA, and its best
practices."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What a theme may change.
_OF_COLOURS = ["color-contrast", "link-in-text-block"]
_RUN = """async (runOnly) => {
    const found = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
    for (const rule of found.violations.filter(({ id }) => id === "target-size")) {
        rule.nodes = await rule.nodes.reduce(async (kept, node) => {
            const element = document.querySelector(node.target[0]), still = [...(await kept)];
            element.scrollIntoView({ block: "center" });
            const again = await axe.run(element, { runOnly: ["target-size"], preload: false });
            return again.violations.length ? [...still, node] : still;
        }, []);
    }
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 120)}`));
}"""


def findings(page: Page, *, colours_alone: bool = False) -> list[str]:
    """Evaluated by the driver, so that the page's content security policy stays as it is.
    `colours_alone`: where all was looked at already, in another theme. A target that the bottom edge had
    half covered is looked at again where it can be pressed. Nothing is preloaded: of a sheet that imports
    another it makes a style of the document, which the policy forbids, and no rule of these needs it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = {"type": "rule", "values": _OF_COLOURS} if colours_alone else {"type": "tag", "values": _RULES}
    found: list[str] = page.evaluate(_RUN, rules)
    return found
