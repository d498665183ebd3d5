"""Incremental drift detectors: one value at a time, or a matrix of many series at once."""

from detectors.adwin import ADWIN, ADWINBank
from detectors.bank import Bank, Hits
from detectors.base import Detector
from detectors.category_psi import CategoryStability, CategoryStabilityBank
from detectors.change_points import Change, ChangePoints, Moments
from detectors.chi2 import ChiSquare, ChiSquareBank
from detectors.cvm import CramerVonMises, CramerVonMisesBank
from detectors.g_test import GTest, GTestBank
from detectors.hellinger import Hellinger, HellingerBank
from detectors.jensen_shannon import JensenShannon, JensenShannonBank
from detectors.ks import KolmogorovSmirnov, KolmogorovSmirnovBank
from detectors.kswin import KSWIN, KSWINBank
from detectors.page_hinkley import PageHinkley, PageHinkleyBank
from detectors.psi import PopulationStability, PopulationStabilityBank
from detectors.standardise import Standardiser
from detectors.variance import Variance, VarianceBank
from detectors.wasserstein import Wasserstein, WassersteinBank
from detectors.watch import Alarm, Watch

__all__ = [
    "ADWIN",
    "KSWIN",
    "ADWINBank",
    "Alarm",
    "Bank",
    "CategoryStability",
    "CategoryStabilityBank",
    "Change",
    "ChangePoints",
    "ChiSquare",
    "ChiSquareBank",
    "CramerVonMises",
    "CramerVonMisesBank",
    "Detector",
    "GTest",
    "GTestBank",
    "Hellinger",
    "HellingerBank",
    "Hits",
    "JensenShannon",
    "JensenShannonBank",
    "KSWINBank",
    "KolmogorovSmirnov",
    "KolmogorovSmirnovBank",
    "Moments",
    "PageHinkley",
    "PageHinkleyBank",
    "PopulationStability",
    "PopulationStabilityBank",
    "Standardiser",
    "Variance",
    "VarianceBank",
    "Wasserstein",
    "WassersteinBank",
    "Watch",
]
