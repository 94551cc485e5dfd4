"""What axe-core finds on a page, of any severity: its rules for WCAG 2.0 to 2.2, A and AA, and its best
practices."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (rules) => {
    const found = await axe.run(document, { runOnly: { type: "tag", values: rules } });
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 120)}`));
}"""


def findings(page: Page) -> list[str]:
    """Evaluated by the driver, so that the page's content security policy stays as it is."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, _RULES)
    return found
