"""The vendor simulator before a real browser: the phone's https and CORS, and the Cam Extension's script."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser import stage
from tests.vendor import vendor as started

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 60, "apiVer": 1}
# A command as a page sends it: with the vendor's header the browser asks first, without it does not.
SEND = """async ([url, body, isNamed]) => {
  try {
    const headers = isNamed ? { "X-platform": "Settled Tips" } : {};
    return await (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
  } catch (error) {
    return String(error);
  }
}"""


@pytest.fixture(scope="module")
def vendor():
    with started() as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(vendor):
    vendor.sim("reset")
    vendor.sim("manners", {"cors": "full"})
    vendor.sim("extension", {"ready": "now"})


@pytest.fixture(scope="module")
def site():
    """The port of a server of empty pages, under every name that the browser finds. A page that is served by
    Playwright itself is not asked before a call to elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>t</title>")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def her_browser(chrome, vendor):
    """It finds the phone by its name, and trusts no other certificate than the phone's."""
    more = [
        "--host-resolver-rules=MAP *.lovense.club 127.0.0.1,MAP elsewhere.test 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={vendor.simulator.certificate.spki}",
        "--disable-features=LocalNetworkAccessChecks",
    ]
    opened = chrome.browser_type.launch(executable_path=stage.chromium(), args=[*stage.ARGUMENTS, *more])
    yield opened
    opened.close()


@pytest.fixture
def page(her_browser, site):
    """An empty page of our site."""
    opened = her_browser.new_page()
    opened.goto(f"http://localhost:{site}")
    yield opened
    opened.close()


@pytest.fixture
def send(page, vendor):
    """`send(is_named)`: what the page read of the phone's answer; a text is an error."""
    phone = vendor.state()["phones"][0]
    url = f"https://{phone['domain']}:{vendor.simulator.ports.https}/command"
    return lambda *, is_named: page.evaluate(SEND, [url, LEVEL, is_named])


def test_a_page_commands_the_phone_by_its_name_over_https(vendor, send):
    assert send(is_named=True) == {"code": 200, "type": "ok"}
    assert vendor.commands()[-1]["via"] == "https"


def test_with_simple_cors_only_a_call_without_the_header_passes(vendor, send):
    vendor.sim("manners", {"cors": "simple"})
    before = len(vendor.commands())
    assert "Failed to fetch" in send(is_named=True)
    assert len(vendor.commands()) == before  # the browser asked, and did not send
    assert send(is_named=False)["code"] == 200


def test_without_cors_the_toy_moves_and_the_page_cannot_know(vendor, send):
    vendor.sim("manners", {"cors": "none"})
    assert "Failed to fetch" in send(is_named=False)
    assert vendor.commands()[-1]["answer"]["code"] == 200
    assert vendor.levels()[-3:] == [5, 5, 5]


def test_an_app_in_the_background_is_a_failed_fetch(vendor, send):
    vendor.sim("app", {"inFront": False})
    assert "Failed to fetch" in send(is_named=True)


# --- the Cam Extension's script ----------------------------------------------------------------------------

BIND = """async (src) => {
  window.told = [];
  const script = document.createElement("script");
  script.src = src;
  await new Promise((done) => { script.onload = done; document.head.append(script); });
  window.extension = new CamExtension("Settled Tips", "ana");
  const names = ["ready", "postMessage", "toyStatusChange", "tipQueueChange", "settingsChange", "sdkError"];
  const kept = (name, value) => (name === "ready" ? null : structuredClone(value));
  for (const name of names) window.extension.on(name, (value) => window.told.push([name, kept(name, value)]));
}"""
# The first event of a name for whose value something is true, as JSON; null while there is none.
FIND = """() => {{
  const values = window.told.filter(([name]) => name === {name}).map(([, value]) => value);
  const found = values.find((value) => {holds});
  return found === undefined ? null : JSON.stringify(found);
}}"""


@pytest.fixture
def bound(page, vendor):
    """The page with the script and its one instance; `window.told` has what it said."""
    page.evaluate(BIND, f"{vendor.simulator.url}/cam-extension/static/js-sdk/broadcast.js")
    return page


def wait_for(page, name, holds="true"):
    """Until an event of this name has come for whose value this is true; its value."""
    return json.loads(page.wait_for_function(FIND.format(name=json.dumps(name), holds=holds)).json_value())


def test_a_tip_moves_the_toys_by_her_own_levels(bound, vendor):
    wait_for(bound, "ready")
    bound.evaluate("window.extension.receiveTip(50, 'bob', { tipId: 'tip-1' })")
    (running,) = wait_for(bound, "tipQueueChange", "value.running.length")["running"]
    assert (running["amount"], running["tipperName"], running["time"]) == (50, "bob", 5)
    assert (running["module"], running["level"], running["cParameter"]) == (
        "Basic Level",
        "level2",
        {"tipId": "tip-1"},
    )
    assert {toy["toyType"] for toy in running["reactToys"]} == {"lush", "nora", "max"}
    line = vendor.commands()[-1]
    assert (line["via"], line["body"]["action"], line["body"]["timeSec"]) == (
        "extension",
        "Vibrate:8,Rotate:4",
        5,
    )
    assert "bob" in wait_for(bound, "postMessage")


def test_the_exact_amount_of_a_special_command_binds_more_than_a_level(bound, vendor):
    wait_for(bound, "ready")
    bound.evaluate("window.extension.receiveTip(500, 'bob')")
    (running,) = wait_for(bound, "tipQueueChange", "value.running.length")["running"]
    assert (running["module"], running["specialType"], running["level"]) == (
        "Special Command",
        "earthquake",
        "",
    )
    assert vendor.commands()[-1]["body"]["name"] == "earthquake"


def test_an_amount_that_is_nowhere_in_her_settings_does_nothing_and_says_nothing(bound, vendor):
    wait_for(bound, "ready")
    before = len(vendor.commands())
    bound.evaluate("window.extension.receiveTip(7777, 'bob')")
    bound.evaluate("window.extension.receiveTip(1, 'kim')")
    wait_for(bound, "tipQueueChange", "value.running.some(({ amount }) => amount === 1)")
    assert [line["body"]["action"] for line in vendor.commands()[before:]] == ["Vibrate:4"]


def test_tips_wait_for_each_other_in_the_pages_queue(bound):
    wait_for(bound, "ready")
    bound.evaluate("for (const name of ['a', 'b', 'c']) window.extension.receiveTip(1, name)")
    wait_for(bound, "tipQueueChange", "value.running[0]?.tipperName === 'a' && value.queue.length === 2")
    wait_for(bound, "tipQueueChange", "value.running[0]?.tipperName === 'b' && value.queue.length === 1")


def test_what_she_changes_in_her_extension_is_told(bound, vendor):
    wait_for(bound, "ready")
    changed = {
        "levels": {"level1": {"min": "1", "max": "", "time": 3, "vLevel": 0, "rLevel": 0}},
        "special": {},
    }
    vendor.sim("extension", {"settings": changed})
    assert wait_for(bound, "settingsChange") == changed
    assert bound.evaluate("window.extension.getSettings()") == changed
    vendor.sim(f"toys/{vendor.toy_ids[0]}", {"on": False})
    assert wait_for(bound, "toyStatusChange")[0]["status"] == 0
    assert bound.evaluate("window.extension.getToyStatus().then((toys) => toys.map((toy) => toy.type))") == [
        "lush",
        "nora",
        "max",
    ]
    assert bound.evaluate("window.extension.getCamVersion()") == "30.4.4"


def test_an_extension_that_never_binds_says_nothing(page, vendor):
    vendor.sim("extension", {"ready": "never"})
    page.evaluate(BIND, f"{vendor.simulator.url}/cam-extension/static/js-sdk/broadcast.js")
    page.evaluate("window.extension.getCamVersion()")
    assert page.evaluate("window.told") == []


def test_an_extension_may_be_ready_twice(page, vendor):
    vendor.sim("extension", {"ready": "twice"})
    page.evaluate(BIND, f"{vendor.simulator.url}/cam-extension/static/js-sdk/broadcast.js")
    page.wait_for_function("window.told.filter(([name]) => name === 'ready').length === 2")


def test_a_page_of_another_site_gets_nothing(her_browser, vendor, site):
    page = her_browser.new_page()
    page.goto(f"http://elsewhere.test:{site}")
    own = vendor.toy_ids
    for path, said in (("/sim/reset", {}), ("/extension/play", {"vLevel": 5, "time": 5})):
        assert "Failed to fetch" in page.evaluate(SEND, [vendor.simulator.url + path, said, False])
    assert vendor.toy_ids == own
    page.close()
