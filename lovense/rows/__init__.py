"""The rows of `lovense/models/` as MongoDB gives and takes them: what every key holds, at no cost
at run time.

A key that is not always written is `NotRequired`; ask for it with `get`."""

from lovense.rows.accounts import LoggedInRow
from lovense.rows.activations import ActivationRow, AttemptRow, GateRow, LegRow, SliceRow
from lovense.rows.devicelog import DeviceLogRow
from lovense.rows.devices import (
    BatteryPoint,
    DeviceRow,
    DeviceSummary,
    DeviceTest,
    FunctionChoice,
    FunctionRow,
)
from lovense.rows.extension import ExtensionLevel, ExtensionRow, ExtensionToy
from lovense.rows.hours import (
    BusyMinute,
    CountedFacets,
    DayHour,
    FacetCell,
    HourCell,
    PerformerDayRow,
    PerformerHourRow,
    PlatformDayRow,
    PlatformHourRow,
    SummedFacets,
)
from lovense.rows.menus import ItemStateRow, MenuRow, MenuSealRow, StockPieceRow
from lovense.rows.owed import OwedRow
from lovense.rows.pages import PageLeaseRow, StandingPage
from lovense.rows.pairing import HostRow, PairingRow, Ports
from lovense.rows.patterns import PatternRow
from lovense.rows.performers import MenuHistoryRow, OverridesRow, PerformerRow
from lovense.rows.platform import PlatformRow
from lovense.rows.repairs import RepairRow
from lovense.rows.shows import AiredShow, BestItem, ShowRow, ShowSums, ShowTally, ShowTallyHour
from lovense.rows.stops import StopAnswerRow, StopPressRow
from lovense.rows.values import Command, Item, Json, LayerMessage

__all__ = [
    "ActivationRow",
    "AiredShow",
    "AttemptRow",
    "BatteryPoint",
    "BestItem",
    "BusyMinute",
    "Command",
    "CountedFacets",
    "DayHour",
    "DeviceLogRow",
    "DeviceRow",
    "DeviceSummary",
    "DeviceTest",
    "ExtensionLevel",
    "ExtensionRow",
    "ExtensionToy",
    "FacetCell",
    "FunctionChoice",
    "FunctionRow",
    "GateRow",
    "HostRow",
    "HourCell",
    "Item",
    "ItemStateRow",
    "Json",
    "LayerMessage",
    "LegRow",
    "LoggedInRow",
    "MenuHistoryRow",
    "MenuRow",
    "MenuSealRow",
    "OverridesRow",
    "OwedRow",
    "PageLeaseRow",
    "PairingRow",
    "PatternRow",
    "PerformerDayRow",
    "PerformerHourRow",
    "PerformerRow",
    "PlatformDayRow",
    "PlatformHourRow",
    "PlatformRow",
    "Ports",
    "RepairRow",
    "ShowRow",
    "ShowSums",
    "ShowTally",
    "ShowTallyHour",
    "SliceRow",
    "StandingPage",
    "StockPieceRow",
    "StopAnswerRow",
    "StopPressRow",
    "SummedFacets",
]
