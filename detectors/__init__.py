"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.change_points import Change, ChangePoints, Moments
from detectors.cusum import CUSUM, CUSUMBank
from detectors.e_detector import EDetector, EDetectorBank
from detectors.ewma import EWMA, EWMABank
from detectors.focus import FOCuS, FOCuSBank
from detectors.gma import GMA, GMABank
from detectors.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.seed import SEED, SEEDBank
from detectors.shiryaev_roberts import ShiryaevRoberts, ShiryaevRobertsBank
from detectors.standardise import Standardiser
from detectors.watch import Alarm, Watch

__all__ = [
    "ADWIN",
    "CUSUM",
    "EWMA",
    "GMA",
    "SEED",
    "ADWINBank",
    "Alarm",
    "Bank",
    "CUSUMBank",
    "Change",
    "ChangePoints",
    "Detector",
    "EDetector",
    "EDetectorBank",
    "EWMABank",
    "FOCuS",
    "FOCuSBank",
    "GMABank",
    "Hits",
    "Moments",
    "PageHinkley",
    "PageHinkleyBank",
    "SEEDBank",
    "ShiryaevRoberts",
    "ShiryaevRobertsBank",
    "Standardiser",
    "Watch",
]
