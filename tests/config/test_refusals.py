"""Every refusal of a rule, and what a program is answered: word for word, because programs rely on it. One
tree; whoever adds a leaf adds its answer here."""

import pkgutil
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.urls import path
from rest_framework.test import APIClient
from rest_framework.views import APIView

from adminpanel.api.statistics import InvalidStatistics
from adminpanel.watch.devices import NoSuchCursor
from adminpanel.watch.metrics import InvalidPeriod, PeriodTooLong
from config.asgi import BODY_SECONDS, TooSlow
from ground.inbox.signing import BadSignature
from ground.json.errors import DatabaseAway, Encoded, Refusal, TooLarge, check_size
from ground.json.fields import Malformed
from lovense.bridges import choosing
from lovense.deciding import resets, revealing
from lovense.devices import choices, pairing, readings, vendor, verification
from lovense.lane import (
    cancellation,
    controls,
    deadletters,
    decisions,
    devicetests,
    letter,
    placing,
    rehearsal,
    submissions,
)
from lovense.menus import drafts, fixes, showcopies, transfer, versions, wishes
from lovense.menus.publishing import FieldError
from lovense.owed import choices as owed
from lovense.owed import listing
from lovense.page import drawspage
from lovense.patterns import library, reading
from lovense.performers import credentials, loggedin, preferences
from lovense.sending import handover
from lovense.shows import muting, summary
from lovense.webhooks import TooManyCallbacks
from tests.config.staff_refusals import STAFF
from tips import api
from tips.intake import idempotency

OVER = (
    "It ended more than 90 days ago and is in the archive: there it can be read, and nothing can be changed."
)
REFUNDED = (
    "dina has reviewed it as refunded, so it does not play any more. "
    "To send it back, review it as other first."
)
RUN = "It is part of one run with others; only the whole run can be ended, by skipping it."
FIRST = "Only one of the first 200 that wait can be moved."
KEY = "Idempotency-Key"
UNVERIFIED = "Depth stays off until you have tested it on this device, and said that it moved as expected."
SIXTEEN = "You have 16 devices: remove another one first."
HOSTS = "At most 4 apps can be paired. Unpair one of them first."
UNSHOWN = "What Lovense answered cannot be shown. A code, if there is one, can be typed in."
AWAY = "Lovense cannot be reached at the moment. Try again in a little while."
OPERATOR = "Lovense refuses this site's own key. Its operator has to look; it is not your fault."

A_TITLE = {"field": "title", "rule": "must be a text"}

NOW = datetime(2026, 1, 3, 4, 15, tzinfo=UTC)

# the refusal · its status · its code · its sentence · its details
ANSWERS = [
    (TooLarge("The body is too long."), 413, "too_large", "The body is too long.", None),
    (
        Encoded(),
        *(415, "unsupported_media_type", "The body must be sent without a Content-Encoding.", None),
    ),
    (TooSlow(), 408, "too_slow", f"The body must arrive within {BODY_SECONDS:.0f} seconds.", None),
    (DatabaseAway(), 503, "unavailable", "The database did not answer; try again.", None),
    (
        Malformed("data.amount", "is required"),
        *(400, "malformed", "data.amount: is required.", {"field": "data.amount", "rule": "is required"}),
    ),
    (BadSignature("webhook-id is missing"), 401, "bad_signature", "webhook-id is missing.", None),
    (
        controls.InvalidPause("until", "must be in the future"),
        *(400, "malformed", "until: must be in the future."),
        {"field": "until", "rule": "must be in the future"},
    ),
    (
        controls.UnknownMode("mode", "must be one of fifo"),
        *(400, "malformed", "mode: must be one of fifo.", {"field": "mode", "rule": "must be one of fifo"}),
    ),
    (
        InvalidPeriod("period", "must be 1h"),
        *(400, "malformed", "period: must be 1h.", {"field": "period", "rule": "must be 1h"}),
    ),
    (
        InvalidStatistics("period", "must be 7d"),
        *(400, "malformed", "period: must be 7d.", {"field": "period", "rule": "must be 7d"}),
    ),
    (
        PeriodTooLong(),
        *(503, "too_long", "Too much ended in this period; ask about a shorter one.", None),
    ),
    (cancellation.NoSuchRequest(), 404, "not_found", "Not found.", None),
    (cancellation.AlreadyOver("dead"), 409, "already_over", "It is over: dead.", {"status": "dead"}),
    (cancellation.PartOfRun("r1"), 409, "part_of_run", RUN, {"leader": "r1"}),
    (cancellation.NothingPlays(), 409, "nothing_plays", "nothing plays", None),
    (cancellation.CountChanged(3), 409, "count_changed", "3 wait now.", {"waiting": 3}),
    (owed.NothingOwed(), 404, "not_found", "Not found.", None),
    (
        owed.TooShort(),
        *(409, "too_short"),
        "Less than 2 s are owed, and no device runs for less; they can be waived.",
        None,
    ),
    (
        owed.UnknownOutcome(),
        *(409, "unknown_outcome"),
        "How much of it has played is not known; requeue it with isConfirmed if it is to play.",
        None,
    ),
    (owed.AlreadyDecided("waived"), 409, "already_decided", "It is waived.", {"state": "waived"}),
    (
        owed.UnderWay(),
        *(409, "under_way", "It plays again already; what it owes is known when that has ended.", None),
    ),
    (
        listing.NoSuchPlaceAmongOwed(),
        *(400, "invalid", "Some fields are wrong; see details.", {"after": ["Not a place of this list."]}),
    ),
    (
        letter.PlaysAsOwed(),
        *(409, "settled_otherwise"),
        "What it owed has been requeued, so it plays as a request of its own.",
        None,
    ),
    (rehearsal.NotRehearsing(), 409, "not_rehearsing", "Switch rehearsal on first.", None),
    (
        rehearsal.InvalidRehearsal("amount", "must be a whole number of tokens"),
        *(400, "malformed", "amount: must be a whole number of tokens."),
        {"field": "amount", "rule": "must be a whole number of tokens"},
    ),
    (controls.NotPaused(), 409, "not_paused", "The queue is not paused.", None),
    (controls.HeldByStop(), 409, "stopped", "She has pressed stop; resume first.", None),
    (controls.NothingWaits(), 409, "nothing_waits", "Nothing waits.", None),
    (
        placing.InvalidPlace("order", "must name each request once"),
        *(400, "malformed", "order: must name each request once."),
        {"field": "order", "rule": "must name each request once"},
    ),
    (
        placing.OrderChanged(["b", "a"]),
        *(409, "order_changed", "The order has changed meanwhile.", {"order": ["b", "a"]}),
    ),
    (placing.AlreadyTried(), 409, "already_tried", "What was tried before goes first.", None),
    (placing.OutOfSight(), 409, "out_of_sight", FIRST, None),
    (controls.AlreadyFirst(), 409, "already_first", "already first", None),
    (deadletters.NoSuchLetter(), 404, "not_found", "There is no such request.", None),
    (
        deadletters.NotCounted(),
        503,
        "not_counted",
        "They are too many to be counted in time; nothing was done. Name one cause, or try again.",
        None,
    ),
    (letter.NotDead("cancelled"), 409, "not_dead", "It was cancelled.", None),
    (letter.Archived(), 409, "archived", OVER, None),
    (
        letter.ReviewedMeanwhile(),
        409,
        "reviewed_meanwhile",
        "Somebody else has just decided about it.",
        None,
    ),
    (
        letter.SettledOtherwise({"by": "dina", "resolution": "refunded"}),
        *(409, "settled_otherwise", REFUNDED, None),
    ),
    (
        decisions.GroupCountChanged(2),
        *(409, "count_changed", "There are 2 now; nothing was sent back.", {"actual": 2}),
    ),
    (
        deadletters.NoSuchPlace(),
        *(400, "invalid", "Some fields are wrong; see details.", {"after": ["Not a place of this list."]}),
    ),
    (
        submissions.TooManySubmissions(NOW + timedelta(seconds=7.2), now=NOW),
        *(429, "too_many_requests", "At most 60 a minute.", {"resetAt": "2026-01-03T04:15:07.200Z"}),
    ),
    (
        submissions.QueueFull(),
        *(503, "QUEUE_FULL", "10000 requests wait; try again later.", {"limit": 10_000}),
    ),
    (
        submissions.SubmissionKeyReused(),
        *(422, "idempotency_key_reused", "This idempotencyKey was used for other content.", None),
    ),
    (
        wishes.InvalidItem([FieldError(1, "title", "must be a text"), FieldError(1, "order", "must be 1")]),
        *(400, "malformed", "title: must be a text; order: must be 1."),
        {
            "field": "title",
            "rule": "must be a text",
            "errors": [
                {"field": "title", "rule": "must be a text"},
                {"field": "order", "rule": "must be 1"},
            ],
        },
    ),
    (drafts.NoSuchItem(), 404, "not_found", "There is no such item.", None),
    (
        drafts.TooManyItems(),
        *(409, "too_many_items", "A menu has at most 500 items: remove another one first.", None),
    ),
    (
        drafts.DraftHasItems(),
        *(409, "has_items", "Your menu has items already: nothing was filled in.", None),
    ),
    (
        showcopies.ShowHasItems("group", [{"itemId": "a"}]),
        *(409, "has_items", "Items of your group shows would give way: nothing was copied."),
        {"itemIds": ["a"]},
    ),
    (
        showcopies.SamePriceInShow(
            "group",
            [{"itemId": "a", "title": "A", "minimum": 5}, {"itemId": "b", "title": "B", "minimum": 5}],
        ),
        *(409, "same_price", "In group shows only one item may answer exactly 5: “A” and “B” do."),
        {"itemIds": ["a", "b"], "amount": 5},
    ),
    (
        drafts.ChangedMeanwhile(1, drafts.Draft(2, [{"itemId": "a"}]), "a"),
        *(409, "changed_meanwhile", "The menu has changed meanwhile: nothing was written."),
        {"seen": 1, "revision": 2, "item": {"itemId": "a"}, "itemIds": ["a"]},
    ),
    (
        transfer.InvalidFile([FieldError(3, "title", "must be a text")]),
        *(400, "invalid_file", "Item 3, title: must be a text."),
        [{"item": 3, "field": "title", "rule": "must be a text"}],
    ),
    (
        fixes.InvalidChange(2, [FieldError(1, "title", "must be a text")]),
        *(400, "malformed", "Change 2: title: must be a text."),
        {"item": 2, **A_TITLE, "errors": [{"item": 2, **A_TITLE}]},
    ),
    (
        resets.NoStock(),
        *(409, "no_stock", "There is no end of this item: it has no stock to fill up.", None),
    ),
    (library.NoSuchPattern(), 404, "not_found", "There is no such pattern of yours.", None),
    (
        library.TooManyPatterns(),
        *(409, "too_many_patterns", "You have 200 patterns: archive another one first.", None),
    ),
    (
        library.PatternNameTaken(),
        *(409, "name_taken", "Another pattern of yours has this name.", None),
    ),
    (
        library.PatternChanged(1, {"_id": "a", "name": "Tide", "text": "5 1s", "revision": 2}),
        *(409, "changed_meanwhile", "The pattern has changed meanwhile: nothing was written."),
        {"seen": 1, "revision": 2, "pattern": {"patternId": "a", "name": "Tide", "text": "5 1s"}},
    ),
    (
        library.WrongPattern([A_TITLE]),
        *(400, "malformed", "title: must be a text.", {**A_TITLE, "errors": [A_TITLE]}),
    ),
    (
        reading.InvalidPattern(2, 1, "“21”", "a strength from 0 to 20"),
        *(400, "invalid_pattern", "Line 2, column 1: found “21”, expected a strength from 0 to 20."),
        {"line": 2, "column": 1, "found": "“21”", "expected": "a strength from 0 to 20"},
    ),
    (versions.NoSuchVersion(), 404, "not_found", "There is no such version of your menu.", None),
    (
        versions.NotPublishable([FieldError(1, "minimum", "must be one")], [{"itemId": "a"}]),
        *(422, "invalid_menu", "Item 1, minimum: must be one."),
        [{"item": 1, "field": "minimum", "rule": "must be one", "itemId": "a"}],
    ),
    (
        versions.PublishedTooOften(seconds=8),
        *(429, "too_many_requests", "A menu is published at most 20 times in an hour.", None),
    ),
    (
        revealing.NoSuchDraws(),
        *(404, "not_found", "There is no such version that draws anything.", None),
    ),
    (
        drawspage.TooManyLooks(8),
        *(429, "too_many_requests", "Too many looks in this minute.", None),
    ),
    (
        versions.OtherPublication(),
        *(422, "idempotency_key_reused", "The key was used for another publication.", None),
    ),
    (preferences.NoSuchPerformer(), 404, "not_found", "There is no such performer.", None),
    (
        preferences.InvalidPreferences([preferences.WrongPreference("theme", "must be a theme")]),
        *(400, "malformed", "theme: must be a theme."),
        {
            "field": "theme",
            "rule": "must be a theme",
            "errors": [{"field": "theme", "rule": "must be a theme"}],
        },
    ),
    (
        preferences.SectionChanged("keys", 0, {"preference_versions": {"keys": 1}}),
        *(409, "changed_meanwhile", "These preferences have changed meanwhile: nothing was written."),
        {"section": "keys", "seen": 0, "version": 1, "now": {"ownKeys": True, "stopKey": None}},
    ),
    (credentials.TooManyGuesses(), 429, "too_many_guesses", "Too many tries. Wait five minutes.", None),
    (loggedin.NoSuchLogIn(), 404, "not_found", "There is no such log-in.", None),
    (drafts.NothingToUndo(), 409, "nothing_to_undo", "There is no change to undo.", None),
    (
        drafts.NothingPublished(),
        *(409, "nothing_published"),
        *("You have not published a menu yet: there is nothing to go back to.", None),
    ),
    (muting.NoShow(), 409, "no_show", "You are off air: there is no show to mute it for.", None),
    (summary.ShowNotFound(), 404, "not_found", "There is no such show.", None),
    (
        NoSuchCursor("cursor", "must be `next`"),
        *(400, "malformed", "cursor: must be `next`.", {"field": "cursor", "rule": "must be `next`"}),
    ),
    (choices.NoSuchDevice(), 404, "not_found", "There is no such device.", None),
    (
        choices.NicknameTaken("nickname", "is taken"),
        *(400, "malformed", "nickname: is taken.", {"field": "nickname", "rule": "is taken"}),
    ),
    (choices.TooManyDevices(), 409, "too_many_devices", SIXTEEN, None),
    (
        verification.NotVerified("Depth"),
        *(409, "not_verified", UNVERIFIED),
        {"function": "Depth"},
    ),
    (
        readings.InvalidReport("toys", "must be a list"),
        *(400, "malformed", "toys: must be a list.", {"field": "toys", "rule": "must be a list"}),
    ),
    (
        choosing.NoSiteName(),
        *(409, "no_site_name", choosing.NoSiteName.words, {"setting": "cam_site_name"}),
    ),
    (devicetests.CannotTestHere(), 409, "cannot_test_here", devicetests.CannotTestHere.words, None),
    (
        devicetests.DeviceOffline("Lush is disconnected"),
        *(409, "device_offline", "Lush is disconnected: it cannot be tested now.", None),
    ),
    (
        devicetests.FunctionOff("Vibrate"),
        *(409, "function_off", "Vibrate is switched off on this device."),
        {"function": "Vibrate"},
    ),
    (submissions.NoTestNow(), 409, "stopped", "She has pressed stop; resume first.", None),
    (pairing.NoSuchPairing(), 404, "not_found", "There is no such pairing.", None),
    (
        handover.NoSuchPage(),
        *(404, "not_found", "There is no such page.", {"field": "pageId", "rule": handover.RULE}),
    ),
    (handover.ToldByServer(), 409, "told_by_server", handover.ToldByServer.words, None),
    (pairing.NoSuchHost(), 404, "not_found", "There is no such paired app.", None),
    (pairing.TooManyHosts(), 409, "too_many_hosts", HOSTS, None),
    (
        pairing.PairingKeyReused(),
        *(422, "idempotency_key_reused", f"This {KEY} was used to pair another app.", None),
    ),
    (vendor.VendorError("no_picture"), 502, "vendor_answer", UNSHOWN, None),
    (vendor.VendorAway("429", retry_after=60), 503, "try_later", AWAY, None),
    (vendor.OperatorFault("501"), 503, "operator_fault", OPERATOR, None),
    (
        TooManyCallbacks(8),
        *(429, "too_many_requests", "Too many callbacks in this minute.", None),
    ),
    (
        idempotency.IdempotencyKeyReused(),
        *(422, "idempotency_key_reused", f"This {KEY} was used with another body.", None),
    ),
    (
        idempotency.StillRunning(),
        *(409, "in_progress", f"The first call with this {KEY} has not ended; try again.", None),
    ),
    (
        api.NotPlaced(),
        *(503, "unavailable", f"The database did not answer; try again with the same {KEY}.", None),
    ),
    (
        api.OtherContent(),
        *(409, "conflict", "Another content was received under this tip id; the first one stands.", None),
    ),
    *STAFF,
]
RETRY_AFTER = {
    "too_many_samples": "60",
    "too_many_guesses": "300",
    "too_many_requests": "8",
    "in_progress": "1",
    "try_later": "60",
}


class Refusing(APIView):
    permission_classes = ()
    authentication_classes = ()

    def get(self, request, number):
        raise ANSWERS[number][0]


urlpatterns = [path("refused/<int:number>", Refusing.as_view())]


@pytest.mark.parametrize(
    "number", range(len(ANSWERS)), ids=[f"{type(row[0]).__name__}-{row[2]}" for row in ANSWERS]
)
def test_a_refusal_is_answered_in_the_same_words_as_ever(number, settings):
    settings.ROOT_URLCONF = __name__
    why, status, code, message, details = ANSWERS[number]
    answer = APIClient(raise_request_exception=False).get(f"/refused/{number}")
    body = {"error": {"code": code, "message": message, "details": details}}
    assert (answer.status_code, answer.json()) == (status, body)
    assert why.answer() == (status, body)
    assert answer.get("Retry-After") == ("1" if isinstance(why, api.NotPlaced) else RETRY_AFTER.get(code))


def leaves(of):
    for leaf in of.__subclasses__():
        yield leaf
        yield from leaves(leaf)


def test_every_leaf_of_the_tree_states_its_rule_and_has_its_answer_here():
    for app in ("ground", "ledger", "tips", "lovense", "adminpanel"):
        for module in pkgutil.walk_packages(import_module(app).__path__, f"{app}."):
            import_module(module.name)
    ours = {leaf for leaf in leaves(Refusal) if not leaf.__module__.startswith("tests.")}
    assert {leaf.__name__ for leaf in ours if not leaf.__doc__} == set()
    assert ours == {type(row[0]) for row in ANSWERS}


def test_the_limit_of_a_body_is_one_byte_wide(settings):
    settings.WEBHOOK_MAX_BODY_BYTES = 10
    check_size(10)
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        check_size(11)
