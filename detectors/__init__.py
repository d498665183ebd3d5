"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.bocpd import BOCPD, BOCPDBank
from detectors.change_points import Change, ChangePoints, Moments
from detectors.ddm import DDM, DDMBank
from detectors.ecdd import ECDD, ECDDBank
from detectors.eddm import EDDM, EDDMBank
from detectors.error_stream import ErrorBank, ErrorDetector
from detectors.fhddm import FHDDM, FHDDMBank
from detectors.hddm_a import HDDMA, HDDMABank
from detectors.hddm_w import HDDMW, HDDMWBank
from detectors.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.rddm import RDDM, RDDMBank
from detectors.standardise import Standardiser
from detectors.stepd import STEPD, STEPDBank
from detectors.watch import Alarm, Watch

__all__ = [
    "ADWIN",
    "BOCPD",
    "DDM",
    "ECDD",
    "EDDM",
    "FHDDM",
    "HDDMA",
    "HDDMW",
    "RDDM",
    "STEPD",
    "ADWINBank",
    "Alarm",
    "BOCPDBank",
    "Bank",
    "Change",
    "ChangePoints",
    "DDMBank",
    "Detector",
    "ECDDBank",
    "EDDMBank",
    "ErrorBank",
    "ErrorDetector",
    "FHDDMBank",
    "HDDMABank",
    "HDDMWBank",
    "Hits",
    "Moments",
    "PageHinkley",
    "PageHinkleyBank",
    "RDDMBank",
    "STEPDBank",
    "Standardiser",
    "Watch",
]
