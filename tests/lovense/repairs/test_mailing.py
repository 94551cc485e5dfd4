"""What is to be mended for two minutes while she is on air is mailed to her: once each, at most six an hour,
and only where she asked for it."""

import socketserver
import threading
from datetime import timedelta

import pytest
from django.core import mail

from ground.mongodb.collections import collection
from lovense.models import PageLease, Performer, Repair
from lovense.repairs import mailing
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.repairs.stage import hers, look, says

__all__ = ["hers", "in_threads"]
pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DUE = NOW + 2 * MINUTE
ADDRESS = "ana@example.com"


@pytest.fixture
def told(hers):
    """She has given an address, is on air, and her lush is lost."""
    choices = {"noticeEmail": ADDRESS}
    collection(Performer).update_one({"_id": hers.pk}, {"$set": {"page_choices": choices}})
    collection(PageLease).update_one({"_id": hers.pk}, {"$set": on_air(NOW)}, upsert=True)
    says({"status": 0}, now=NOW)
    look(NOW)
    return hers


def on_air(since):
    return {"on_air_since": since, "expires_at": NOW + 60 * MINUTE}


def mailed(now):
    """How many, in one round."""
    return mailing.drain(now=now, limit=20).sent


def test_after_two_minutes_on_air_she_is_told_once(told):
    assert [mailed(now) for now in (NOW + MINUTE, DUE, DUE + MINUTE, DUE + 20 * MINUTE)] == [0, 1, 0, 0]
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([ADDRESS], "Lush is not connected.")
    assert "/devices" in sent.body
    assert "/preferences/noticing" in sent.body


def test_what_is_mended_before_is_not_told(told):
    says(now=NOW + MINUTE)
    look(NOW + MINUTE)
    assert mailed(DUE) == 0
    assert collection(Repair).count_documents({"mail_at": {"$ne": None}}) == 0


def test_who_gave_no_address_is_told_nothing_until_she_gives_one(told):
    collection(Performer).update_one({"_id": told.pk}, {"$set": {"page_choices": None}})
    assert mailed(DUE) == 0
    collection(Performer).update_one({"_id": told.pk}, {"$set": {"page_choices": {"noticeEmail": ADDRESS}}})
    assert mailed(DUE + MINUTE) == 1


def test_off_air_nothing_is_told_and_on_air_the_two_minutes_begin_there(told):
    collection(PageLease).update_one({"_id": told.pk}, {"$set": {"on_air_since": None}})
    assert mailed(DUE) == 0
    collection(PageLease).update_one({"_id": told.pk}, {"$set": on_air(DUE)})
    assert [mailed(DUE + n * MINUTE) for n in (1, 2, 3)] == [0, 1, 0]


def more(told, count):
    row = collection(Repair).find_one({"performer_id": told.pk})
    rows = [row | {"_id": f"more-{n}", "key": f"k{n}", "open_key": f"k{n}"} for n in range(count)]
    collection(Repair).insert_many(rows)


def test_of_many_six_an_hour_are_told_and_the_others_later(told):
    more(told, 8)
    assert [mailed(DUE + n * MINUTE) for n in (0, 1, 59)] == [6, 0, 0]
    assert mailed(DUE + 61 * MINUTE) == 3


def test_rounds_at_the_same_moment_tell_once(told, in_threads):
    counts = in_threads(lambda: mailed(DUE), times=4, workers=4)
    assert (sum(counts), len(mail.outbox)) == (1, 1)


def test_a_mail_server_that_is_away_stops_nothing(told, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert mailed(DUE) == 1


class SlowFor(socketserver.StreamRequestHandler):
    """A mail server that says nothing any more to whom one address is named."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.startswith(b"rcpt"):
                self.server.named.append(line.decode().partition("<")[2].partition(">")[0])
                if self.server.named[-1] == ADDRESS:
                    self.server.over.wait()
                    return
            self.wfile.write(b"354 go on\r\n" if line.startswith(b"data") else b"250 taken\r\n")
            if line.startswith(b"data"):
                while self.rfile.readline() != b".\r\n":
                    pass
                self.wfile.write(b"250 taken\r\n")


@pytest.fixture
def slow(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_USE_TLS = "django.core.mail.backends.smtp.EmailBackend", False
    settings.EMAIL_TIMEOUT = 0.2
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), SlowFor) as server:
        server.named, server.over, server.daemon_threads = [], threading.Event(), True
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def another(told, address):
    """Who is told of the same, later than all of the first one's."""
    choices = {"user_id": None, "page_choices": {"noticeEmail": address}}
    for model, more in ((Performer, choices), (PageLease, {})):
        row = collection(model).find_one({"_id": told.pk})
        collection(model).insert_one(row | {"_id": "other"} | more)
    row = collection(Repair).find_one({"performer_id": told.pk})
    collection(Repair).insert_one(row | {"_id": "other", "performer_id": "other"})


def test_a_slow_address_holds_up_nobody_elses_mail_and_no_thread(told, slow, monkeypatch):
    more(told, 4)
    another(told, "bea@example.com")
    monkeypatch.setattr(mailing, "ROUND_SECONDS", 0.3)
    first = mailing.drain(now=DUE, limit=20)
    assert slow.named[:2] == [ADDRESS, "bea@example.com"]
    assert (first.has_more, slow.named.count(ADDRESS) < 4) == (False, True)
    monkeypatch.undo()
    assert mailed(DUE + MINUTE) == 6 - first.sent


def test_a_name_that_no_mail_can_have_stops_no_others(told, slow):
    another(told, "bea@example.com")
    choices = {"noticeEmail": f"ana@{'ü' * 60}.com"}
    collection(Performer).update_one({"_id": told.pk}, {"$set": {"page_choices": choices}})
    assert (mailed(DUE), slow.named) == (2, ["bea@example.com"])


def test_what_is_due_is_found_without_looking_through_all(told):
    row = collection(Repair).find_one({"performer_id": told.pk})
    fill(Repair, lambda n: row | {"_id": f"old-{n}", "open_key": "", "mail_at": None})
    with recorded() as plans:
        assert mailed(DUE) == 1
    assert scans(plans) == []
