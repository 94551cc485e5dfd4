"""Chapter 5: the command is handed to the page that holds the devices.

A browser tab of ana's, or a headless device, holds her toys and a WebSocket to us. The command goes there
as one message, `lovense.activate`, with an *activation id* that never changes and an *attempt* that counts.

A message may be lost: the network, the browser, the web process may be gone. So what was sent and not
confirmed is sent again, under the same id, and the page remembers ids, across reloads: one that it has played
it confirms once more and does not play. That makes sending again safe. After the page has said `received`,
nothing is ever sent again, since nothing would make *that* safe.

To read: `lovense/sending/envelope.py` (the message), `lovense/sending/resume.py` (what is sent again),
docs/sockets.md (the page's side)."""

import json

from ground.mongodb.collections import collection
from lovense.models import Activation
from lovense.sending import resume
from tests.chain import SECOND
from tests.factories import NOW
from tests.flows.nursery import SURVIVED
from tests.tour.conftest import MOMENT


def sent_again(chain, *, later):
    """What her page is told when it asks, once a second and whenever it connects."""
    return [
        json.loads(command.text)
        for command in resume.in_flight([chain.performer_id], before=NOW + later)
        if not command.is_stop
    ]


def test_once_one_message_reaches_her_page_with_what_to_do(chain, bob, wire):
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    (command,) = wire.commands()
    assert (command["type"], command["tipId"], command["attempt"]) == ("lovense.activate", tip_id, 1)
    assert command["durationSec"] == 6
    assert command["commands"]


def test_repeated_it_comes_under_the_same_id_and_as_confirmed_once_the_page_has_it(chain, bob, wire):
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    (first,) = wire.commands()
    (second,) = sent_again(chain, later=SECOND)
    assert second["activationId"] == first["activationId"]
    assert "confirmed" not in second
    chain.acknowledge(tip_id, "received", later=SECOND)
    (third,) = sent_again(chain, later=2 * SECOND)
    assert third["confirmed"] is True  # a page that does not remember it must leave it alone


def test_killed_before_it_could_send_the_page_asks_for_what_was_decided(chain, bob, wire, nursery, successor):
    tip_id = chain.settled(bob, 50)
    status, writes = nursery("send", last=3, now=MOMENT)  # claimed, counted, decided
    assert (status != SURVIVED, writes[-1]) == (True, "insert activations")
    assert wire.commands() == []
    (command,) = sent_again(chain, later=SECOND)
    assert (command["tipId"], command["attempt"]) == (tip_id, 1)
    assert collection(Activation).count_documents({"tip_id": tip_id}) == 1
