"""Who of the staff may do what: one table of routes, methods and roles.

The doors ask it and refuse what it does not list, so a route without a row is closed to everybody;
`docs/staff.md` shows it, made from here. A rule of thumb stands behind it: staff may always make it
calmer, only an administrator starts, replays, changes or looks at what is hidden, and an auditor
changes nothing at all."""

from typing import NamedTuple

from ground.people import EVERYBODY, Role

CALMERS = frozenset({Role.ADMIN, Role.SUPPORT})
ADMINS = frozenset({Role.ADMIN})
READERS = frozenset({Role.ADMIN, Role.AUDITOR})  # of who may come in
_READS = ("GET", "HEAD")


class Rule(NamedTuple):
    """`route`: its name in `config/urls.py`; of Django's admin the namespace, for all of it."""

    route: str
    method: str
    roles: frozenset[Role]
    what: str


RULES = (
    Rule("staff", "GET", EVERYBODY, "The Overview: how everything is"),
    Rule("staff-strip", "GET", EVERYBODY, "The same in one line, for every page"),
    Rule("staff-find", "GET", EVERYBODY, "Which row a text names"),
    Rule("staff-tips", "GET", EVERYBODY, "Tips, with the verdict on each"),
    Rule("staff-tips-news", "GET", EVERYBODY, "How many tips are new"),
    Rule("staff-tips-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-tips-export", "GET", EVERYBODY, "Tips as a file, recorded"),
    Rule("staff-tip", "GET", EVERYBODY, "All that is recorded of one tip"),
    Rule("staff-look-again", "POST", CALMERS, "Ask the ledger about a tip in doubt again"),
    Rule("staff-tip-retry", "POST", ADMINS, "Give a tip's event to its consumers again"),
    Rule("staff-tip-replay", "POST", ADMINS, "Send a tip back into the queue"),
    Rule("staff-tip-now", "GET", EVERYBODY, "What the tip would do now"),
    Rule("staff-queue", "GET", EVERYBODY, "The queue and its steps"),
    Rule("staff-devices", "GET", EVERYBODY, "Devices of all performers"),
    Rule("staff-devices-news", "GET", EVERYBODY, "How many devices were heard since"),
    Rule("staff-devices-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-devices-export", "GET", EVERYBODY, "Devices as a file, recorded"),
    Rule("staff-statistics", "GET", EVERYBODY, "What was tipped, played and how fast"),
    Rule("staff-dead-letters", "GET", EVERYBODY, "What was given up, by cause"),
    Rule("staff-dead-letters-news", "GET", EVERYBODY, "How many dead letters are new"),
    Rule("staff-dead-letter", "GET", EVERYBODY, "One dead letter"),
    Rule("staff-review-dead-letter", "POST", ADMINS, "Decide about a dead letter"),
    Rule("staff-replay-dead-letter", "POST", ADMINS, "Send a dead letter back"),
    Rule("staff-replay-dead-letters", "POST", ADMINS, "Send marked ones back, or all"),
    Rule("staff-review-dead-letters", "POST", ADMINS, "Decide about marked ones, or all"),
    Rule("staff-audit", "GET", EVERYBODY, "The audit log: who did what"),
    Rule("staff-audit-news", "GET", EVERYBODY, "How many entries are new"),
    Rule("staff-audit-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-audit-export", "GET", EVERYBODY, "The audit log as a file, recorded"),
    Rule("staff-audit-entry", "GET", EVERYBODY, "One entry, and those of its change"),
    Rule("staff-list-columns", "POST", EVERYBODY, "Choose one's own columns of a list"),
    Rule("staff-list-view", "POST", EVERYBODY, "Keep a view; for all as an administrator"),
    Rule("staff-list-forget", "POST", EVERYBODY, "Remove one's own view"),
    Rule("staff-list-first", "POST", EVERYBODY, "Choose what one sees first"),
    Rule("staff-emissions", "GET", EVERYBODY, "The consumers of the event log"),
    Rule("staff-retry-emissions", "POST", ADMINS, "Give events to a consumer again"),
    Rule("staff-retry-marked-emissions", "POST", ADMINS, "Give marked events again"),
    Rule("staff-reconciliation", "GET", EVERYBODY, "What needs a person's look"),
    Rule("staff-reconciliation-news", "GET", EVERYBODY, "How many of them are new"),
    Rule("staff-reconciliation-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-reconciliation-export", "GET", EVERYBODY, "The same as a file, recorded"),
    Rule("staff-reconciliation-item", "GET", EVERYBODY, "One of them, and what to do"),
    Rule("staff-reconciliation-assign", "POST", CALMERS, "Assign one to oneself"),
    Rule("staff-reconciliation-note", "POST", CALMERS, "Note something about one"),
    Rule("staff-reconciliation-close", "POST", ADMINS, "Close what does not solve itself"),
    Rule("staff-deliveries", "GET", EVERYBODY, "Deliveries of all sources"),
    Rule("staff-deliveries-news", "GET", EVERYBODY, "How many deliveries are new"),
    Rule("staff-deliveries-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-deliveries-export", "GET", EVERYBODY, "Deliveries as a file, recorded"),
    Rule("staff-delivery", "GET", EVERYBODY, "One delivery, without its body"),
    Rule("staff-delivery-again", "POST", ADMINS, "Process a delivery that lies aside"),
    Rule("staff-delivery-body", "POST", ADMINS, "Look at a whole body, recorded"),
    Rule("staff-samples", "GET", ADMINS, "What a sample is, in a test deployment"),
    Rule("staff-sample-send", "POST", ADMINS, "Send a sample, recorded"),
    Rule("staff-performers", "GET", EVERYBODY, "Performers, and how each stands"),
    Rule("staff-performers-news", "GET", EVERYBODY, "How many performers are new"),
    Rule("staff-performers-suggest", "GET", EVERYBODY, "What may be typed next"),
    Rule("staff-performers-export", "GET", EVERYBODY, "Performers as a file, recorded"),
    Rule("staff-performer", "GET", EVERYBODY, "How a performer stands, recorded"),
    Rule("staff-performer-screen", "GET", CALMERS, "Say why one looks at her screen"),
    Rule("staff-performer-screen-open", "POST", CALMERS, "Open her screen, recorded"),
    Rule("staff-performer-screen-live", "GET", CALMERS, "Her Live page, read only"),
    Rule("staff-performer-screen-history", "GET", CALMERS, "Her History, read only"),
    Rule("staff-performer-screen-run", "GET", CALMERS, "One line of it, read only"),
    Rule("staff-performer-override", "GET", ADMINS, "What an override will do"),
    Rule("staff-performer-override-set", "POST", ADMINS, "Set what binds one performer"),
    Rule("staff-performer-override-end", "POST", ADMINS, "End what binds one performer"),
    Rule("staff-times", "POST", EVERYBODY, "Choose one's own clock, or UTC"),
    Rule("staff-style", "GET", EVERYBODY, "Every component in every state"),
    Rule("staff-access", "GET", READERS, "Who is staff"),
    Rule("staff-access-enrol", "POST", ADMINS, "Enrol a member of staff"),
    Rule("staff-access-member", "GET", READERS, "One member of staff"),
    Rule("staff-access-role", "POST", ADMINS, "Change the role of another"),
    Rule("staff-access-disable", "POST", ADMINS, "Disable the account of another"),
    Rule("staff-access-enable", "POST", ADMINS, "Enable an account"),
    Rule("staff-access-sessions", "POST", ADMINS, "End all sessions of one"),
    Rule("staff-access-link", "POST", ADMINS, "Make a one-time link for one"),
    Rule("staff-access-factor", "POST", ADMINS, "Take the second factor of another away"),
    Rule("staff-access-token", "POST", ADMINS, "Revoke the API token of one"),
    Rule("staff-access-performers", "GET", READERS, "The log-in of a performer"),
    Rule("staff-access-performer-link", "POST", ADMINS, "Make a one-time link for a performer"),
    Rule("staff-access-clients", "GET", READERS, "Platform clients"),
    Rule("staff-access-add-client", "POST", ADMINS, "Add a platform client"),
    Rule("staff-access-client", "GET", READERS, "One platform client"),
    Rule("staff-access-client-token", "POST", ADMINS, "Make a new token for a client"),
    Rule("staff-access-client-revoke", "POST", ADMINS, "Revoke the token of a client"),
    Rule("staff-access-log-ins", "GET", READERS, "Log-ins that failed"),
    Rule("staff-settings", "GET", READERS, "The platform's settings"),
    Rule("staff-setting", "GET", READERS, "One setting, and what a new value does"),
    Rule("staff-setting-set", "POST", ADMINS, "Change a setting, switch off, drain"),
    Rule("staff-account", "GET", EVERYBODY, "The own account"),
    Rule("staff-account-factor", "POST", EVERYBODY, "Set up the own second factor"),
    Rule("staff-account-factor-remove", "POST", EVERYBODY, "Take the own second factor away"),
    Rule("staff-account-codes", "POST", EVERYBODY, "Make new recovery codes"),
    Rule("staff-account-sessions", "POST", EVERYBODY, "End the own other sessions"),
    Rule("admin", "GET", EVERYBODY, "Records: the rows as they are stored"),
    Rule("api-staff-find", "GET", EVERYBODY, "Which row a text names"),
    Rule("api-staff-devices", "GET", EVERYBODY, "The devices of all performers"),
    Rule("api-staff-stats", "GET", EVERYBODY, "Statistics of a period"),
    Rule("api-audit-log", "GET", EVERYBODY, "The audit log; as a file, recorded"),
    Rule("api-performer", "GET", EVERYBODY, "How a performer stands, recorded"),
    Rule("api-performer-overrides", "PUT", ADMINS, "Set what binds one performer"),
    Rule("api-settings", "GET", READERS, "The platform's settings"),
    Rule("api-settings", "PUT", ADMINS, "Change some of them"),
    Rule("api-settings-history", "GET", READERS, "Their changes"),
    Rule("api-health", "GET", EVERYBODY, "How the queue is"),
    Rule("api-metrics", "GET", EVERYBODY, "What the queue did in a period"),
    Rule("api-dead-letters", "GET", EVERYBODY, "Dead letters"),
    Rule("api-review-dead-letter", "POST", ADMINS, "Decide about a dead letter"),
    Rule("api-replay-dead-letter", "POST", ADMINS, "Send a dead letter back"),
    Rule("api-replay-dead-letters", "POST", ADMINS, "Send all of one cause back"),
    Rule("api-tip", "GET", EVERYBODY, "Where a tip stands"),
    Rule("api-tip-trail", "GET", EVERYBODY, "All that is recorded of a tip"),
    Rule("api-tip-events", "GET", EVERYBODY, "The event log, a slice at a time"),
    Rule("api-lane", "GET", EVERYBODY, "A performer's queue"),
    Rule("api-lane-status", "GET", EVERYBODY, "One request of a queue"),
    Rule("api-lane-submit", "POST", ADMINS, "Put something into a queue"),
    Rule("api-lane-cancel", "DELETE", ADMINS, "Take a request out of a queue"),
    Rule("api-lane-pause", "POST", CALMERS, "Pause a performer's queue"),
    Rule("api-lane-resume", "POST", ADMINS, "Resume a performer's queue"),
    Rule("api-lane-play-one", "POST", ADMINS, "Let one start while it is paused"),
    Rule("api-lane-skip", "POST", ADMINS, "End what plays"),
    Rule("api-lane-clear", "POST", ADMINS, "Take out all that waits"),
    Rule("api-lane-mode", "POST", ADMINS, "Change the order it plays in"),
    Rule("api-lane-move-up", "POST", ADMINS, "Move a request one up"),
    Rule("api-lane-place", "POST", ADMINS, "Move a request to a place"),
    Rule("api-lane-next", "POST", ADMINS, "Move a request to the front"),
)
_ROLES = {(rule.route, rule.method): rule.roles for rule in RULES}


def may(role: Role | None, route: str, method: str) -> bool:
    """What has no row is nobody's."""
    asked = "GET" if method in _READS else method
    return role is not None and role in _ROLES.get((route, asked), frozenset())


def matrix() -> str:
    """The table as `docs/staff.md` shows it."""
    head = ["| Route | Method | What | " + " | ".join(Role) + " |", "|---|---|---|" + "---|" * 3]
    return "\n".join([*head, *map(_line, RULES)]) + "\n"


def _line(rule: Rule) -> str:
    signs = " | ".join("yes" if role in rule.roles else "no" for role in Role)
    return f"| `{rule.route}` | {rule.method} | {rule.what} | {signs} |"
