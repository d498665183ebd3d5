"""River's classes that a configuration may name, what each is for, and what it takes."""

from dataclasses import dataclass, replace
from typing import Final

from streamproc.config.river_params import (
    FLAG,
    RATE,
    SEED,
    SHARE,
    ParamType,
    Role,
    choice,
    integer,
    or_null,
    part,
    real,
)

Params = dict[str, ParamType]


@dataclass(frozen=True, slots=True)
class AllowedClass:
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


_LR: Final = ParamType(low=0, high=1e6, roles=("scheduler",))
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
    "grace_period": integer(1),
    "max_depth": or_null(integer(1, 1000)),
    "delta": SHARE,
    "tau": SHARE,
    "binary_split": FLAG,
    "max_size": real(0.001, 1e5),
    "memory_estimate_period": integer(1),
    "stop_mem_management": FLAG,
    "remove_poor_attrs": FLAG,
    "merit_preprune": FLAG,
}
_CLASSES: Final[Params] = _TREE | {
    "split_criterion": choice("info_gain", "gini", "hellinger"),
    "leaf_prediction": choice("mc", "nb", "nba"),
    "nb_threshold": integer(),
    "min_branch_fraction": SHARE,
    "max_share_to_split": SHARE,
}
_NUMBERS: Final[Params] = _TREE | {
    "leaf_prediction": choice("mean", "model", "adaptive"),
    "leaf_model": part("regressor"),
    "model_selector_decay": SHARE,
    "min_samples_split": integer(2),
}
_ADAPTIVE: Final[Params] = {
    "bootstrap_sampling": FLAG,
    "drift_window_threshold": integer(1),
    "drift_detector": part("detector"),
    "switch_significance": SHARE,
    "seed": SEED,
}
_FOREST: Final[Params] = {
    "n_models": integer(1, 1000),
    "max_features": ParamType(low=0, high=1, above=True, choices=("sqrt", "log2")),
    "lambda_value": integer(1, 1000),
    "disable_weighted_vote": FLAG,
    "drift_detector": part("detector"),
    "warning_detector": part("detector"),
    "seed": SEED,
}


def _bag(role: Role) -> Params:
    return {"model": part(role, required=True), "n_models": integer(1, 1000), "seed": SEED}


ALLOWED_CLASSES: Final[dict[str, AllowedClass]] = {
    "preprocessing.StandardScaler": AllowedClass(
        "transformer", {"with_std": FLAG, "window_size": or_null(integer(2, 10**6))}
    ),
    "preprocessing.MinMaxScaler": AllowedClass("transformer", {}),
    "preprocessing.MaxAbsScaler": AllowedClass("transformer", {}),
    "preprocessing.AdaptiveStandardScaler": AllowedClass("transformer", {"fading_factor": SHARE}),
    "preprocessing.Normalizer": AllowedClass("transformer", {"order": integer(1, 10)}),
    "linear_model.LogisticRegression": AllowedClass(
        "classifier", _LINEAR | {"loss": part("binary_loss")}, binary=True
    ),
    "linear_model.Perceptron": AllowedClass(
        "classifier",
        {key: _LINEAR[key] for key in ("l2", "clip_gradient", "initializer")},
        binary=True,
    ),
    "linear_model.PAClassifier": AllowedClass(
        "classifier", {"C": RATE, "mode": integer(1, 2), "learn_intercept": FLAG}, binary=True
    ),
    "linear_model.SoftmaxRegression": AllowedClass(
        "classifier", {"optimizer": _OPTIMIZER, "l2": RATE}
    ),
    "linear_model.LinearRegression": AllowedClass(
        "regressor", _LINEAR | {"loss": part("regression_loss")}
    ),
    "linear_model.PARegressor": AllowedClass(
        "regressor", {"C": RATE, "mode": integer(1, 2), "eps": RATE, "learn_intercept": FLAG}
    ),
    "naive_bayes.GaussianNB": AllowedClass("classifier", {}),
    "naive_bayes.BernoulliNB": AllowedClass(
        "classifier", {"alpha": RATE, "true_threshold": real()}
    ),
    "naive_bayes.MultinomialNB": AllowedClass("classifier", {"alpha": RATE}),
    "naive_bayes.ComplementNB": AllowedClass("classifier", {"alpha": RATE}),
    "tree.HoeffdingTreeClassifier": AllowedClass("classifier", _CLASSES, texts=True),
    "tree.HoeffdingAdaptiveTreeClassifier": AllowedClass(
        "classifier", _CLASSES | _ADAPTIVE, texts=True
    ),
    "tree.ExtremelyFastDecisionTreeClassifier": AllowedClass(
        "classifier", _CLASSES | {"min_samples_reevaluate": integer(1)}, texts=True
    ),
    "tree.HoeffdingTreeRegressor": AllowedClass("regressor", _NUMBERS),
    "tree.HoeffdingAdaptiveTreeRegressor": AllowedClass("regressor", _NUMBERS | _ADAPTIVE),
    "forest.ARFClassifier": AllowedClass("classifier", _CLASSES | _FOREST, texts=True),
    "forest.ARFRegressor": AllowedClass(
        "regressor",
        _NUMBERS | _FOREST | {"aggregation_method": choice("mean", "median")},
    ),
    "ensemble.BaggingClassifier": AllowedClass("classifier", _bag("classifier")),
    "ensemble.BaggingRegressor": AllowedClass("regressor", _bag("regressor")),
    "ensemble.ADWINBaggingClassifier": AllowedClass("classifier", _bag("classifier")),
    "ensemble.LeveragingBaggingClassifier": AllowedClass(
        "classifier", _bag("classifier") | {"w": RATE, "adwin_delta": SHARE}
    ),
    "ensemble.AdaBoostClassifier": AllowedClass("classifier", _bag("classifier")),
    "multiclass.OneVsRestClassifier": AllowedClass(
        "classifier", {"classifier": part("classifier", required=True)}
    ),
    "preprocessing.TargetStandardScaler": AllowedClass(
        "regressor", {"regressor": part("regressor", required=True)}
    ),
    "dummy.PriorClassifier": AllowedClass("classifier", {}, texts=True),
    "dummy.NoChangeClassifier": AllowedClass("classifier", {}, texts=True),
    "optim.SGD": AllowedClass("optimizer", {"lr": _LR}),
    "optim.Adam": AllowedClass(
        "optimizer", {"lr": _LR, "beta_1": SHARE, "beta_2": SHARE, "eps": RATE}
    ),
    "optim.AdaGrad": AllowedClass("optimizer", {"lr": _LR, "eps": RATE}),
    "optim.RMSProp": AllowedClass("optimizer", {"lr": _LR, "rho": SHARE, "eps": RATE}),
    "optim.Momentum": AllowedClass("optimizer", {"lr": _LR, "rho": SHARE}),
    "optim.schedulers.Constant": AllowedClass("scheduler", {"learning_rate": _GIVEN}),
    "optim.schedulers.InverseScaling": AllowedClass(
        "scheduler", {"learning_rate": _GIVEN, "power": real(0, 10)}
    ),
    "optim.losses.Log": AllowedClass("binary_loss", {"weight_pos": RATE, "weight_neg": RATE}),
    "optim.losses.Hinge": AllowedClass("binary_loss", {"threshold": RATE}),
    "optim.losses.Squared": AllowedClass("regression_loss", {}),
    "optim.losses.Absolute": AllowedClass("regression_loss", {}),
    "optim.losses.Huber": AllowedClass("regression_loss", {"epsilon": RATE}),
    "optim.losses.Quantile": AllowedClass("regression_loss", {"alpha": SHARE}),
    "optim.initializers.Zeros": AllowedClass("initializer", {}),
    "optim.initializers.Constant": AllowedClass(
        "initializer", {"value": replace(real(), required=True)}
    ),
    "drift.ADWIN": AllowedClass(
        "detector",
        {
            "delta": SHARE,
            "clock": integer(1),
            "max_buckets": integer(1, 100),
            "min_window_length": integer(1),
            "grace_period": integer(0),
        },
    ),
    "drift.PageHinkley": AllowedClass(
        "detector",
        {
            "min_instances": integer(1),
            "delta": RATE,
            "threshold": RATE,
            "alpha": SHARE,
            "mode": choice("up", "down", "both"),
        },
    ),
}
"""By the path within `river`."""
