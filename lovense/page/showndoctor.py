"""A diagnosis as a person reads it: each step in a sentence, and why it failed. Nothing is decided
here."""

from dataclasses import dataclass

from lovense.repairs import doctor
from lovense.repairs.doctor import Diagnosis, Step
from lovense.rows import DeviceRow

# As it reads where it is well, and where it waits or was not tried.
STEPS = {
    doctor.PAIRED: "The Lovense app is paired.",
    doctor.REACH: "Lovense reaches the app.",
    doctor.PAGE: "A page holds your devices.",
    doctor.TOY: "The toy is connected and plays.",
    doctor.FUNCTION: "Its main function may move.",
    doctor.PULSE: "A gentle test of 2 s plays.",
    doctor.MOVED: "It moved.",
}
WHY = {
    "other_path": "What you play on now does not reach it: choose its path beside the list.",
    "not_paired": "Its app is not paired any more: pair it.",
    "pairing_lost": "Lovense does not know the pairing any more: pair the app again.",
    "operator_fault": "Lovense refuses this site: tell whoever runs it. It is not your fault.",
    "app_offline": "Lovense does not reach its app: open it on your phone, with internet.",
    "no_news": "Nothing was heard of it for a while: open the app, and keep the phone awake.",
    "no_page": "Nothing holds your devices: open the Live page, or wait a second.",
    "reported": "Its app does not reach it: switch it on, near the phone.",
    "missing": "Its app does not list it: connect it in the app.",
    "muted": "You have muted it for this show: press “Muted” on Live.",
    "switched_off": "You have switched it off: switch “Plays” on.",
    "function_off": "You have switched its main function off: switch it on, on its page.",
    "stopped": "You have pressed stop: resume first.",
    "device_offline": "It cannot be tested now: it has gone in this moment.",
    doctor.DID_NOT_MOVE: "It did not move, and is switched off: charge it, and look at the toy.",
}
TONES = {"ok": "good", "failed": "bad", "waiting": "info", "skipped": "idle"}
WORDS = {"ok": "Well", "failed": "Here", "waiting": "Wait", "skipped": "Not tried"}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One line."""

    state: str
    word: str
    tone: str
    words: str


class ShownDiagnosis:
    """What the dialog shows; while `is_waiting`, it asks again."""

    def __init__(self, row: DeviceRow, found: Diagnosis) -> None:
        self.device_id, self.nickname = row["_id"], row["nickname"]
        self.steps = [_shown(step) for step in found.steps]
        self.question, self.function = found.question, found.function
        self.is_waiting, self.request_id = found.is_waiting, found.request_id


def _shown(step: Step) -> ShownStep:
    words, word = STEPS[step.name], WORDS[step.state]
    if step.state == "failed":
        words = WHY.get(step.code, f"The test did not play to its end ({step.code}).")
    if step.name == doctor.MOVED and step.state == "waiting":
        words, word = "Did it move?", "Your turn"
    return ShownStep(step.state, word, TONES[step.state], words)
