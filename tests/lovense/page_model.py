"""A page as `docs/sockets.md` asks it to be, in plain Python: an id is played once, and remembered with all
that played in its run."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lovense.sending.acknowledgement import TEMPORARY

STOPS_ITSELF = timedelta(seconds=5)  # a page without a socket


@dataclass
class Run:
    message: dict
    began: datetime
    delivered: float | None = None  # None while it plays
    failed: str = ""

    @property
    def ends(self):
        return self.began + timedelta(seconds=self.message["durationSec"])


@dataclass
class Page:
    """Her page: what it remembers survives a reload."""

    performer_id: str
    memory: dict = field(default_factory=dict)
    played: set = field(default_factory=set)  # activation ids, those of members too
    said: list = field(default_factory=list)
    refusals: list = field(default_factory=list)  # the codes of its next answers
    refused: dict = field(default_factory=dict)  # the attempt that it refused last, and why
    gone_since: datetime | None = None
    returns: datetime | None = None

    @property
    def playing(self):
        return next((run for run in self.memory.values() if run.delivered is None and not run.failed), None)

    def obey(self, text, now):
        message = json.loads(text)
        key = message["activationId"]
        if key in self.memory:
            self.memory[key].message["attempt"] = message["attempt"]
            self.repeat(self.memory[key])
        elif message.get("confirmed"):
            return
        elif self.refused.get(key, (0, ""))[0] == message["attempt"]:
            self.say(message, "failed", code=self.refused[key][1])
        elif self.refusals:
            self.refuse(message, now)
        else:
            self.begin(message, now)

    def refuse(self, message, now):
        code = self.refusals.pop()
        self.refused[message["activationId"]] = message["attempt"], code
        if code not in TEMPORARY:
            self.memory[message["activationId"]] = Run(message, now, failed=code)
        self.say(message, "failed", code=code)

    def begin(self, message, now):
        ids = {message["activationId"], *message.get("members", ())}
        assert self.playing is None, "two runs at once"
        assert not ids & self.played, "seconds played twice"
        self.played |= ids
        self.memory[message["activationId"]] = Run(message, now)
        for stage in ("received", "started"):
            self.say(message, stage)

    def repeat(self, run):
        if run.failed:
            self.say(run.message, "failed", code=run.failed)
        elif run.delivered is not None:
            self.say(run.message, "finished", delivered_seconds=run.delivered)
        else:
            for stage in ("received", "started"):
                self.say(run.message, stage)

    def pass_time(self, now):
        """The end of its run, when that has come; without a socket it stops by itself."""
        run = self.playing
        if run is None:
            return
        end = min(run.ends, max(run.began, self.gone_since + STOPS_ITSELF)) if self.gone_since else run.ends
        if end <= now:
            run.delivered = (end - run.began).total_seconds()
            self.repeat(run)

    def stop(self, now):
        if self.playing:
            run = self.playing
            run.delivered = min((now - run.began).total_seconds(), float(run.message["durationSec"]))
            self.repeat(run)

    def say(self, message, stage, **more):
        if self.gone_since is None:
            self.said.append(
                {"activation_id": message["activationId"], "attempt": message["attempt"], "stage": stage}
                | more
            )
