"""What a settled tip does to a device, as it is kept: a module for each noun. Django finds the
models here."""

from lovense.models.accounts import LoggedIn
from lovense.models.activations import Activation, ActivationStatus
from lovense.models.devicelog import DeviceLogLine
from lovense.models.devices import Device, DeviceStatus
from lovense.models.hours import ActivationDay, ActivationHour, PerformerDay, PerformerHour
from lovense.models.lanes import LanePace, LaneTurn, Submitter
from lovense.models.menus import ItemState, MenuDraft, MenuSeal, StockPiece, TipMenu
from lovense.models.owed import Owed, OwedCause, OwedPolicy, OwedState
from lovense.models.pages import PageLease
from lovense.models.pairing import Host, Pairing, PairingStatus
from lovense.models.patterns import Pattern
from lovense.models.performers import Performer
from lovense.models.platform import PlatformSettings
from lovense.models.repairs import NoticeMail, Repair, RepairKind, RepairWeight
from lovense.models.shows import Show
from lovense.models.stops import StopPress

__all__ = [
    "Activation",
    "ActivationDay",
    "ActivationHour",
    "ActivationStatus",
    "Device",
    "DeviceLogLine",
    "DeviceStatus",
    "Host",
    "ItemState",
    "LanePace",
    "LaneTurn",
    "LoggedIn",
    "MenuDraft",
    "MenuSeal",
    "NoticeMail",
    "Owed",
    "OwedCause",
    "OwedPolicy",
    "OwedState",
    "PageLease",
    "Pairing",
    "PairingStatus",
    "Pattern",
    "Performer",
    "PerformerDay",
    "PerformerHour",
    "PlatformSettings",
    "Repair",
    "RepairKind",
    "RepairWeight",
    "Show",
    "StockPiece",
    "StopPress",
    "Submitter",
    "TipMenu",
]
