"""River's classes that a configuration may name, what each is for, and what it takes."""

from dataclasses import dataclass, replace
from typing import Final

from streamproc.config.river_params import (
    FLAG,
    RATE,
    SEED,
    SHARE,
    Role,
    Takes,
    choice,
    or_null,
    part,
    real,
    whole,
)

Params = dict[str, Takes]


@dataclass(frozen=True, slots=True)
class Allowed:
    """A class: what it is for, what it takes, and whether it works on texts as they are.

    Attributes
    ----------
    role
        Where it may stand.
    params
        Its parameters, by name.
    binary
        Whether it tells two classes apart, and no more.
    texts
        Whether features that are texts mean something to it.
    """

    role: Role
    params: Params
    binary: bool = False
    texts: bool = False


_LR: Final = Takes(low=0, high=1e6, roles=("scheduler",))
_GIVEN: Final = replace(RATE, required=True)
_OPTIMIZER: Final = part("optimizer")
_LINEAR: Final[Params] = {
    "optimizer": _OPTIMIZER,
    "l2": RATE,
    "l1": RATE,
    "intercept_init": real(),
    "intercept_lr": _LR,
    "clip_gradient": real(0, 1e300, above=True),
    "initializer": part("initializer"),
}
_TREE: Final[Params] = {
    "grace_period": whole(1),
    "max_depth": or_null(whole(1, 1000)),
    "delta": SHARE,
    "tau": SHARE,
    "binary_split": FLAG,
    "max_size": real(0.001, 1e5),
    "memory_estimate_period": whole(1),
    "stop_mem_management": FLAG,
    "remove_poor_attrs": FLAG,
    "merit_preprune": FLAG,
}
_CLASSES: Final[Params] = _TREE | {
    "split_criterion": choice("info_gain", "gini", "hellinger"),
    "leaf_prediction": choice("mc", "nb", "nba"),
    "nb_threshold": whole(),
    "min_branch_fraction": SHARE,
    "max_share_to_split": SHARE,
}
_NUMBERS: Final[Params] = _TREE | {
    "leaf_prediction": choice("mean", "model", "adaptive"),
    "leaf_model": part("regressor"),
    "model_selector_decay": SHARE,
    "min_samples_split": whole(2),
}
_ADAPTIVE: Final[Params] = {
    "bootstrap_sampling": FLAG,
    "drift_window_threshold": whole(1),
    "drift_detector": part("detector"),
    "switch_significance": SHARE,
    "seed": SEED,
}
_FOREST: Final[Params] = {
    "n_models": whole(1, 1000),
    "max_features": Takes(low=0, high=1, above=True, choices=("sqrt", "log2")),
    "lambda_value": whole(1, 1000),
    "disable_weighted_vote": FLAG,
    "drift_detector": part("detector"),
    "warning_detector": part("detector"),
    "seed": SEED,
}


def _bag(role: Role) -> Params:
    return {"model": part(role, required=True), "n_models": whole(1, 1000), "seed": SEED}


ALLOWED: Final[dict[str, Allowed]] = {
    "preprocessing.StandardScaler": Allowed(
        "transformer", {"with_std": FLAG, "window_size": or_null(whole(2, 10**6))}
    ),
    "preprocessing.MinMaxScaler": Allowed("transformer", {}),
    "preprocessing.MaxAbsScaler": Allowed("transformer", {}),
    "preprocessing.AdaptiveStandardScaler": Allowed("transformer", {"fading_factor": SHARE}),
    "preprocessing.Normalizer": Allowed("transformer", {"order": whole(1, 10)}),
    "linear_model.LogisticRegression": Allowed(
        "classifier", _LINEAR | {"loss": part("binary_loss")}, binary=True
    ),
    "linear_model.Perceptron": Allowed(
        "classifier",
        {key: _LINEAR[key] for key in ("l2", "clip_gradient", "initializer")},
        binary=True,
    ),
    "linear_model.PAClassifier": Allowed(
        "classifier", {"C": RATE, "mode": whole(1, 2), "learn_intercept": FLAG}, binary=True
    ),
    "linear_model.SoftmaxRegression": Allowed("classifier", {"optimizer": _OPTIMIZER, "l2": RATE}),
    "linear_model.LinearRegression": Allowed(
        "regressor", _LINEAR | {"loss": part("regression_loss")}
    ),
    "linear_model.PARegressor": Allowed(
        "regressor", {"C": RATE, "mode": whole(1, 2), "eps": RATE, "learn_intercept": FLAG}
    ),
    "naive_bayes.GaussianNB": Allowed("classifier", {}),
    "naive_bayes.BernoulliNB": Allowed("classifier", {"alpha": RATE, "true_threshold": real()}),
    "naive_bayes.MultinomialNB": Allowed("classifier", {"alpha": RATE}),
    "naive_bayes.ComplementNB": Allowed("classifier", {"alpha": RATE}),
    "tree.HoeffdingTreeClassifier": Allowed("classifier", _CLASSES, texts=True),
    "tree.HoeffdingAdaptiveTreeClassifier": Allowed("classifier", _CLASSES | _ADAPTIVE, texts=True),
    "tree.ExtremelyFastDecisionTreeClassifier": Allowed(
        "classifier", _CLASSES | {"min_samples_reevaluate": whole(1)}, texts=True
    ),
    "tree.HoeffdingTreeRegressor": Allowed("regressor", _NUMBERS),
    "tree.HoeffdingAdaptiveTreeRegressor": Allowed("regressor", _NUMBERS | _ADAPTIVE),
    "forest.ARFClassifier": Allowed("classifier", _CLASSES | _FOREST, texts=True),
    "forest.ARFRegressor": Allowed(
        "regressor",
        _NUMBERS | _FOREST | {"aggregation_method": choice("mean", "median")},
    ),
    "ensemble.BaggingClassifier": Allowed("classifier", _bag("classifier")),
    "ensemble.BaggingRegressor": Allowed("regressor", _bag("regressor")),
    "ensemble.ADWINBaggingClassifier": Allowed("classifier", _bag("classifier")),
    "ensemble.LeveragingBaggingClassifier": Allowed(
        "classifier", _bag("classifier") | {"w": RATE, "adwin_delta": SHARE}
    ),
    "ensemble.AdaBoostClassifier": Allowed("classifier", _bag("classifier")),
    "multiclass.OneVsRestClassifier": Allowed(
        "classifier", {"classifier": part("classifier", required=True)}
    ),
    "preprocessing.TargetStandardScaler": Allowed(
        "regressor", {"regressor": part("regressor", required=True)}
    ),
    "dummy.PriorClassifier": Allowed("classifier", {}, texts=True),
    "dummy.NoChangeClassifier": Allowed("classifier", {}, texts=True),
    "optim.SGD": Allowed("optimizer", {"lr": _LR}),
    "optim.Adam": Allowed("optimizer", {"lr": _LR, "beta_1": SHARE, "beta_2": SHARE, "eps": RATE}),
    "optim.AdaGrad": Allowed("optimizer", {"lr": _LR, "eps": RATE}),
    "optim.RMSProp": Allowed("optimizer", {"lr": _LR, "rho": SHARE, "eps": RATE}),
    "optim.Momentum": Allowed("optimizer", {"lr": _LR, "rho": SHARE}),
    "optim.schedulers.Constant": Allowed("scheduler", {"learning_rate": _GIVEN}),
    "optim.schedulers.InverseScaling": Allowed(
        "scheduler", {"learning_rate": _GIVEN, "power": real(0, 10)}
    ),
    "optim.losses.Log": Allowed("binary_loss", {"weight_pos": RATE, "weight_neg": RATE}),
    "optim.losses.Hinge": Allowed("binary_loss", {"threshold": RATE}),
    "optim.losses.Squared": Allowed("regression_loss", {}),
    "optim.losses.Absolute": Allowed("regression_loss", {}),
    "optim.losses.Huber": Allowed("regression_loss", {"epsilon": RATE}),
    "optim.losses.Quantile": Allowed("regression_loss", {"alpha": SHARE}),
    "optim.initializers.Zeros": Allowed("initializer", {}),
    "optim.initializers.Constant": Allowed(
        "initializer", {"value": replace(real(), required=True)}
    ),
    "drift.ADWIN": Allowed(
        "detector",
        {
            "delta": SHARE,
            "clock": whole(1),
            "max_buckets": whole(1, 100),
            "min_window_length": whole(1),
            "grace_period": whole(0),
        },
    ),
    "drift.PageHinkley": Allowed(
        "detector",
        {
            "min_instances": whole(1),
            "delta": RATE,
            "threshold": RATE,
            "alpha": SHARE,
            "mode": choice("up", "down", "both"),
        },
    ),
}
"""By the path within `river`."""
