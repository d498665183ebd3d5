"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.binary.base import ErrorBank, ErrorDetector
from detectors.binary.ddm import DDM, DDMBank
from detectors.binary.ecdd import ECDD, ECDDBank
from detectors.binary.eddm import EDDM, EDDMBank
from detectors.binary.fhddm import FHDDM, FHDDMBank
from detectors.binary.hddm_a import HDDMA, HDDMABank
from detectors.binary.hddm_w import HDDMW, HDDMWBank
from detectors.binary.rddm import RDDM, RDDMBank
from detectors.binary.stepd import STEPD, STEPDBank
from detectors.categorical.category_psi import CategoryStability, CategoryStabilityBank
from detectors.categorical.chi2 import ChiSquare, ChiSquareBank
from detectors.categorical.g_test import GTest, GTestBank
from detectors.distribution.cvm import CramerVonMises, CramerVonMisesBank
from detectors.distribution.hellinger import Hellinger, HellingerBank
from detectors.distribution.jensen_shannon import JensenShannon, JensenShannonBank
from detectors.distribution.ks import KolmogorovSmirnov, KolmogorovSmirnovBank
from detectors.distribution.kswin import KSWIN, KSWINBank
from detectors.distribution.psi import PopulationStability, PopulationStabilityBank
from detectors.distribution.variance import Variance, VarianceBank
from detectors.distribution.wasserstein import Wasserstein, WassersteinBank
from detectors.mean.adwin import ADWIN, ADWINBank
from detectors.mean.bocpd import BOCPD, BOCPDBank
from detectors.mean.cusum import CUSUM, CUSUMBank
from detectors.mean.e_detector import EDetector, EDetectorBank
from detectors.mean.ewma import EWMA, EWMABank
from detectors.mean.focus import FOCuS, FOCuSBank
from detectors.mean.gma import GMA, GMABank
from detectors.mean.mixture import Mixture, MixtureBank
from detectors.mean.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.mean.seed import SEED, SEEDBank
from detectors.mean.shiryaev_roberts import ShiryaevRoberts, ShiryaevRobertsBank
from detectors.series.category_counts import CategoryCounts, CategoryDistribution, ShareChange
from detectors.series.change_points import Change, ChangePoints, Moments
from detectors.series.embedding import Embedder
from detectors.series.standardise import Standardiser
from detectors.series.whiten import Whitener
from detectors.series_monitor import Alarm, SeriesMonitor

# Names of before, for programs that use them.
Watch = SeriesMonitor
Mix = CategoryDistribution
Shares = CategoryCounts

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
    "CategoryCounts",
    "CategoryDistribution",
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
    "SeriesMonitor",
    "ShareChange",
    "ShiryaevRoberts",
    "ShiryaevRobertsBank",
    "Standardiser",
    "Variance",
    "VarianceBank",
    "Wasserstein",
    "WassersteinBank",
    "Whitener",
]
