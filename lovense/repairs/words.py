"""What is wrong, what to do about it, and the one button that helps, as a person reads them. Pure;
nothing is decided here."""

from dataclasses import dataclass

from lovense.devices import changes, summary
from lovense.models import RepairKind
from lovense.repairs import finding
from lovense.rows import RepairRow

K = RepairKind
PAIR, SWITCH_OFF, TEST, CHANGE = "pair", "switch_off", "test", "change"
LIVE, COMPARE = "live", "compare"  # to where it is mended
LABELS = {
    PAIR: "Pair again",
    SWITCH_OFF: "Switch off",
    TEST: "Test",
    CHANGE: "Change",
    LIVE: "Open Live",
    COMPARE: "Compare",
}
_LOST = {
    changes.REPORTED: "Switch it on and keep it near the phone.",
    changes.MISSING: "Connect it in the Lovense app.",
    changes.NO_NEWS: "Open the Lovense app, and keep the phone awake.",
}
_LOST_BY_A_PAGE = {
    changes.REPORTED: "Connect it on the page that has it.",
    changes.MISSING: "Connect it on the Live page.",
    changes.NO_NEWS: "Open the Live page again.",
}
_HELPS = {
    K.DEVICE_LOST: SWITCH_OFF,
    K.LOW_BATTERY: SWITCH_OFF,
    K.APP_OFFLINE: PAIR,
    K.ADDRESS_REFUSED: PAIR,
    K.PAIRING_LOST: PAIR,
    K.OPERATOR_FAULT: TEST,
    K.OLD_APP: PAIR,
    K.EXTENSION_SILENT: LIVE,
    K.DRIFT: COMPARE,
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Two sentences and the button's name (LABELS)."""

    wrong: str
    todo: str
    button: str

    @property
    def label(self) -> str:
        return LABELS[self.button]


def of(row: RepairRow) -> Advice:
    kind = K(row["kind"])
    if kind is K.DEVICE_LOST:
        return _lost(row)
    if kind is K.FUNCTION_FAILED:
        return _failed(row)
    wrong, todo = _PLAIN[kind]
    return Advice(wrong.format(**row), todo.format(**row), _HELPS[kind])


def _lost(row: RepairRow) -> Advice:
    known = _LOST if row["host_id"] != summary.PAGE else _LOST_BY_A_PAGE
    todo = known.get(row["reason"], known[changes.REPORTED])
    wrong = f"{row['name']} is not connected."
    return Advice(wrong, f"{todo} Or play without it.", SWITCH_OFF)


def _failed(row: RepairRow) -> Advice:
    """What moves hardware may be tested while it is off, and nothing else."""
    function, name = row["function"], row["name"]
    is_guarded = function in summary.GUARDED
    wrong = f"{function} of {name} did not move in its test, and is switched off."
    todo = "Look whether it is charged and free to move"
    then = ", then test it again." if is_guarded else ", switch the function on, then test it."
    return Advice(wrong, todo + then, TEST if is_guarded else CHANGE)


_PLAIN = {
    K.LOW_BATTERY: (
        "{name} has little battery left.",
        f"Charge it until it is above {finding.CHARGED} %.",
    ),
    K.APP_OFFLINE: (
        "Lovense does not reach the {name} on your phone.",
        "Open it there, in front and with internet; it comes back by itself. Only an app that "
        "was installed anew is paired again.",
    ),
    K.ADDRESS_REFUSED: (
        "The {name} names an address that is none of a private network.",
        "Nothing has to be done while this server tells your devices. If a VPN runs on the phone, "
        "switch it off there.",
    ),
    K.PAIRING_LOST: (
        "Lovense does not know your pairing with the {name} any more.",
        "Pair it again: nicknames and limits stay.",
    ),
    K.OPERATOR_FAULT: (
        "Lovense refuses this site, so none of your toys is told anything. It is not your fault.",
        "Tell whoever runs the site; a test shows whether it is mended.",
    ),
    K.OLD_APP: (
        "The {name} is older than 7.71.0, so its toys are told one after another.",
        "Update it on your phone. Where it does not come back, pair it again.",
    ),
    K.EXTENSION_SILENT: (
        "The Lovense extension does not answer on your Live page, so no tip reaches it.",
        "Open the Live page in a browser that has it, and check what stands there.",
    ),
    K.DRIFT: (
        "Your extension and your menu differ for {name}.",
        "What your toys do is set in the extension: change its levels or your menu, so that "
        "viewers get what they read.",
    ),
}
