"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.binary.base import ErrorBank, ErrorDetector
from streamproc.detectors.binary.ddm import DDM, DDMBank
from streamproc.detectors.binary.ecdd import ECDD, ECDDBank
from streamproc.detectors.binary.eddm import EDDM, EDDMBank
from streamproc.detectors.binary.fhddm import FHDDM, FHDDMBank
from streamproc.detectors.binary.hddm_a import HDDMA, HDDMABank
from streamproc.detectors.binary.hddm_w import HDDMW, HDDMWBank
from streamproc.detectors.binary.rddm import RDDM, RDDMBank
from streamproc.detectors.binary.stepd import STEPD, STEPDBank
from streamproc.detectors.categorical.category_psi import CategoryStability, CategoryStabilityBank
from streamproc.detectors.categorical.chi2 import ChiSquare, ChiSquareBank
from streamproc.detectors.categorical.g_test import GTest, GTestBank
from streamproc.detectors.distribution.cvm import CramerVonMises, CramerVonMisesBank
from streamproc.detectors.distribution.hellinger import Hellinger, HellingerBank
from streamproc.detectors.distribution.jensen_shannon import JensenShannon, JensenShannonBank
from streamproc.detectors.distribution.ks import KolmogorovSmirnov, KolmogorovSmirnovBank
from streamproc.detectors.distribution.kswin import KSWIN, KSWINBank
from streamproc.detectors.distribution.psi import PopulationStability, PopulationStabilityBank
from streamproc.detectors.distribution.variance import Variance, VarianceBank
from streamproc.detectors.distribution.wasserstein import Wasserstein, WassersteinBank
from streamproc.detectors.mean.adwin import ADWIN, ADWINBank
from streamproc.detectors.mean.bocpd import BOCPD, BOCPDBank
from streamproc.detectors.mean.cusum import CUSUM, CUSUMBank
from streamproc.detectors.mean.e_detector import EDetector, EDetectorBank
from streamproc.detectors.mean.ewma import EWMA, EWMABank
from streamproc.detectors.mean.focus import FOCuS, FOCuSBank
from streamproc.detectors.mean.gma import GMA, GMABank
from streamproc.detectors.mean.mixture import Mixture, MixtureBank
from streamproc.detectors.mean.page_hinkley import PageHinkley, PageHinkleyBank
from streamproc.detectors.mean.seed import SEED, SEEDBank
from streamproc.detectors.mean.shiryaev_roberts import ShiryaevRoberts, ShiryaevRobertsBank
from streamproc.detectors.series.category_counts import (
    CategoryCounts,
    CategoryDistribution,
    ShareChange,
)
from streamproc.detectors.series.change_points import Change, ChangePoints, Moments
from streamproc.detectors.series.embedding import Embedder
from streamproc.detectors.series.standardise import Standardiser
from streamproc.detectors.series.whiten import Whitener
from streamproc.detectors.series_monitor import Alarm, SeriesMonitor

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
