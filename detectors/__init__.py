"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.bocpd import BOCPD, BOCPDBank
from detectors.category_psi import CategoryStability, CategoryStabilityBank
from detectors.change_points import Change, ChangePoints, Moments
from detectors.chi2 import ChiSquare, ChiSquareBank
from detectors.cusum import CUSUM, CUSUMBank
from detectors.cvm import CramerVonMises, CramerVonMisesBank
from detectors.ddm import DDM, DDMBank
from detectors.e_detector import EDetector, EDetectorBank
from detectors.ecdd import ECDD, ECDDBank
from detectors.eddm import EDDM, EDDMBank
from detectors.embedding import Embedder
from detectors.error_stream import ErrorBank, ErrorDetector
from detectors.ewma import EWMA, EWMABank
from detectors.fhddm import FHDDM, FHDDMBank
from detectors.focus import FOCuS, FOCuSBank
from detectors.g_test import GTest, GTestBank
from detectors.gma import GMA, GMABank
from detectors.hddm_a import HDDMA, HDDMABank
from detectors.hddm_w import HDDMW, HDDMWBank
from detectors.hellinger import Hellinger, HellingerBank
from detectors.jensen_shannon import JensenShannon, JensenShannonBank
from detectors.ks import KolmogorovSmirnov, KolmogorovSmirnovBank
from detectors.kswin import KSWIN, KSWINBank
from detectors.mixture import Mixture, MixtureBank
from detectors.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.psi import PopulationStability, PopulationStabilityBank
from detectors.rddm import RDDM, RDDMBank
from detectors.seed import SEED, SEEDBank
from detectors.shares import Mix, ShareChange, Shares
from detectors.shiryaev_roberts import ShiryaevRoberts, ShiryaevRobertsBank
from detectors.standardise import Standardiser
from detectors.stepd import STEPD, STEPDBank
from detectors.variance import Variance, VarianceBank
from detectors.wasserstein import Wasserstein, WassersteinBank
from detectors.watch import Alarm, Watch
from detectors.whiten import Whitener

__all__ = [
    "ADWIN",
    "BOCPD",
    "CUSUM",
    "DDM",
    "ECDD",
    "EDDM",
    "EWMA",
    "FHDDM",
    "GMA",
    "HDDMA",
    "HDDMW",
    "KSWIN",
    "RDDM",
    "SEED",
    "STEPD",
    "ADWINBank",
    "Alarm",
    "BOCPDBank",
    "Bank",
    "CUSUMBank",
    "CategoryStability",
    "CategoryStabilityBank",
    "Change",
    "ChangePoints",
    "ChiSquare",
    "ChiSquareBank",
    "CramerVonMises",
    "CramerVonMisesBank",
    "DDMBank",
    "Detector",
    "ECDDBank",
    "EDDMBank",
    "EDetector",
    "EDetectorBank",
    "EWMABank",
    "Embedder",
    "ErrorBank",
    "ErrorDetector",
    "FHDDMBank",
    "FOCuS",
    "FOCuSBank",
    "GMABank",
    "GTest",
    "GTestBank",
    "HDDMABank",
    "HDDMWBank",
    "Hellinger",
    "HellingerBank",
    "Hits",
    "JensenShannon",
    "JensenShannonBank",
    "KSWINBank",
    "KolmogorovSmirnov",
    "KolmogorovSmirnovBank",
    "Mix",
    "Mixture",
    "MixtureBank",
    "Moments",
    "PageHinkley",
    "PageHinkleyBank",
    "PopulationStability",
    "PopulationStabilityBank",
    "RDDMBank",
    "SEEDBank",
    "STEPDBank",
    "ShareChange",
    "Shares",
    "ShiryaevRoberts",
    "ShiryaevRobertsBank",
    "Standardiser",
    "Variance",
    "VarianceBank",
    "Wasserstein",
    "WassersteinBank",
    "Watch",
    "Whitener",
]
