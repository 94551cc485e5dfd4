"""What the staff's pages refuse, and the words of it: tried by `test_refusals.py` beside its own."""

from adminpanel.api.settings import NoSuchTag, VersionNotSaid
from adminpanel.asking.grammar import NotUnderstood
from adminpanel.handling.deployment import MOST_A_MINUTE, NoTestDeployment, TooManySamples
from adminpanel.handling.marks import TooManyMarked
from adminpanel.handling.tips import StillDead
from adminpanel.lists.saved import MOST_VIEWS, NoSuchView, OnlyAdminsShare, TooManyViews, Unnamed
from adminpanel.people.deeds import Outdated, WrongField
from adminpanel.people.links import NoSuchLink
from adminpanel.people.members import NoSuchMember, NotAnAdmin, OwnAccount
from adminpanel.people.secondfactor import AlreadySetUp, CodeUsed, NotSetUp, WrongCode
from adminpanel.people.tokens import NoSuchClient
from lovense.deciding.platform import InvalidSetting, SettingsChanged, UnknownSetting
from lovense.performers.overrides import InvalidOverride, OverridesChanged
from tests.factories import NOW

_LINK = "This link was used, is too old, or was replaced. Ask for a new one."
_STILL_DEAD = "It failed again. The list of emissions names the error."
_TOO_MANY = f"At most {MOST_A_MINUTE} samples a minute: wait for the next one."
_NAMED, _LATE = "must be the name of a setting", "The settings have changed meanwhile: nothing was written."
_QUERY = "At character 3: x. Possible: a, b."
# the refusal · its status · its code · its sentence · its details
STAFF = [
    (NoSuchClient(), 404, "not_found", "There is no such client.", None),
    (NotAnAdmin(), 403, "not_an_admin", "Only an admin does that.", None),
    (NoSuchMember(), 404, "not_found", "There is no such member of staff.", None),
    (OwnAccount(), 403, "own_account", "That is your own account: another admin does that.", None),
    (WrongCode(), 422, "wrong_code", "That is not a code of now. Nothing was changed.", None),
    (CodeUsed(), 422, "code_used", "That code was used. Wait for the next one.", None),
    (AlreadySetUp(), 409, "already_set_up", "There is a second factor already.", None),
    (NotSetUp(), 409, "not_set_up", "There is no second factor any more.", None),
    (WrongField("why", "Say it"), 422, "invalid", "Say it", {"field": "why", "rule": "Say it"}),
    (Outdated("It is another.", 3), 409, "outdated", "It is another.", {"present": 3}),
    (TooManyMarked(), 422, "too_many", "At most 500 are marked at once.", {"most": 500}),
    (NoTestDeployment("It is none."), 409, "no_test_deployment", "It is none.", None),
    (TooManySamples(now=NOW), 429, "too_many_samples", _TOO_MANY, None),
    (StillDead(2), 409, "still_dead", _STILL_DEAD, {"dead": 2}),
    (NoSuchLink(), 404, "no_such_link", _LINK, None),
    (VersionNotSaid(), 428, "precondition_required", str(VersionNotSaid()), None),
    (NoSuchTag(), 412, "precondition_failed", "If-Match is no ETag of these settings.", None),
    (UnknownSetting("x"), 422, "invalid", str(UnknownSetting("x")), {"field": "x", "rule": _NAMED}),
    (
        InvalidSetting("minimum_tip", "must be 1", "x"),
        *(422, "invalid", "minimum_tip must be 1, not 'x'.", {"field": "minimum_tip", "rule": "must be 1"}),
    ),
    (
        SettingsChanged({"minimum_tip": 3}, {"minimum_tip": 2}, 7),
        *(409, "outdated", _LATE, {"present": {"minimum_tip": 2}, "yours": {"minimum_tip": 3}, "version": 7}),
    ),
    (
        InvalidOverride("until", "must be x"),
        422,
        "invalid",
        "until: must be x.",
        {"field": "until", "rule": "must be x"},
    ),
    (OverridesChanged({}), 409, "outdated", str(OverridesChanged({})), {"present": None, "version": 0}),
    (TooManyViews(), 409, "refused", f"You have {MOST_VIEWS} views already. Remove one first.", None),
    (Unnamed(), 409, "refused", "A view needs a name.", None),
    (NoSuchView(), 404, "refused", "There is no such view of yours.", None),
    (OnlyAdminsShare(), 403, "refused", "Only an administrator shares a view.", None),
    (
        NotUnderstood(2, "x", ("a", "b")),
        *(400, "not_understood", _QUERY, {"at": 2, "found": "x", "possible": ["a", "b"]}),
    ),
]
