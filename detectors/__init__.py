"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.change_points import Change, ChangePoints, Moments
from detectors.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.standardise import Standardiser
from detectors.watch import Alarm, Watch

__all__ = [
    "ADWIN",
    "ADWINBank",
    "Alarm",
    "Bank",
    "Change",
    "ChangePoints",
    "Detector",
    "Hits",
    "Moments",
    "PageHinkley",
    "PageHinkleyBank",
    "Standardiser",
    "Watch",
]
