"""Export Hoeffding trees in a plain form."""

from typing import Any, Final

_TREES: Final = {
    "HoeffdingTreeClassifier",
    "HoeffdingAdaptiveTreeClassifier",
    "ExtremelyFastDecisionTreeClassifier",
    "HoeffdingTreeRegressor",
    "HoeffdingAdaptiveTreeRegressor",
}


def tree_form(tree: Any, names: list[str]) -> dict[str, Any] | None:
    """Return a tree as nested branches and leaves; None if it has no plain form.

    Parameters
    ----------
    tree
        River's.
    names
        Its classes, by their codes.
    """
    kind = type(tree).__name__
    if kind not in _TREES:
        return None
    regresses = kind.endswith("Regressor")
    root = tree._root  # noqa: SLF001 - River has no other door
    found = None if root is None else _Node(tree, names, regresses=regresses).node(root)
    if found is None and root is not None:
        return None
    classes = None if regresses else [names[int(code)] for code in sorted(tree.classes)]
    return {"form": "tree", "classes": classes, "root": found}


class _Node:
    def __init__(self, tree: Any, names: list[str], *, regresses: bool) -> None:
        self._tree, self._names, self._regresses = tree, names, regresses

    def node(self, node: Any) -> dict[str, Any] | None:
        """Write a node; None when a leaf of it has no plain form."""
        return self._branch(node) if hasattr(node, "children") else self._leaf(node)

    def _branch(self, node: Any) -> dict[str, Any] | None:
        children = [self.node(child) for child in node.children]
        if None in children:
            return None
        heavier = int(node.most_common_path()[0])
        found: dict[str, Any] = {"feature": node.feature}
        if hasattr(node, "threshold"):
            found["at_most"] = float(node.threshold)
        elif hasattr(node, "value"):
            found["equals"] = node.value
        elif hasattr(node, "_mapping") and not hasattr(node, "radius"):
            found["values"] = list(node._mapping)  # noqa: SLF001
        else:
            return None
        found |= {"children": children, "heavier": heavier}
        alternate = getattr(node, "_alternate_tree", None)
        if alternate is not None:
            found["alternate"] = self.node(alternate)
            if found["alternate"] is None:
                return None
        return found

    def _leaf(self, leaf: Any) -> dict[str, Any] | None:
        return self._number(leaf) if self._regresses else self._shares(leaf)

    def _number(self, leaf: Any) -> dict[str, Any] | None:
        kind = type(leaf).__name__
        uses_model = "Model" in kind or (
            "Adaptive" in kind and not leaf._fmse_mean < leaf._fmse_model  # noqa: SLF001
        )
        if not uses_model:
            return {"value": float(leaf.stats.mean.get())}
        model = leaf._leaf_model  # noqa: SLF001
        if type(model).__name__ != "LinearRegression":
            return None
        weights = {key: float(value) for key, value in model.weights.items()}
        return {"weights": weights, "intercept": float(model.intercept)}

    def _shares(self, leaf: Any) -> dict[str, Any]:
        counts = {self._names[int(code)]: float(n) for code, n in leaf.stats.items()}
        found: dict[str, Any] = {"counts": counts}
        error = getattr(leaf, "_mean_error", None)
        if error is not None:
            found["error"] = float(error.get())
        if self._votes(leaf):
            found["features"] = {
                key: self._observed(splitter) for key, splitter in leaf.splitters.items()
            }
        return found

    def _votes(self, leaf: Any) -> bool:
        """Whether the leaf answers by naive Bayes now."""
        if leaf.splitters is None or self._tree.leaf_prediction == "mc":
            return False
        if self._tree.leaf_prediction == "nb":
            return bool(leaf.total_weight >= self._tree.nb_threshold)
        return bool(leaf._nb_correct_weight >= leaf._mc_correct_weight)  # noqa: SLF001

    def _observed(self, splitter: Any) -> dict[str, Any]:
        """Write what a leaf knows of a feature: class → [mean, variance], or → value counts."""
        per_class = splitter._att_dist_per_class  # noqa: SLF001
        found: dict[str, Any] = {}
        for code, seen in per_class.items():
            name = self._names[int(code)]
            if isinstance(seen, dict):
                found[name] = {str(value): float(n) for value, n in seen.items()}
            else:
                found[name] = [float(seen.mu), float(seen._var.get())]  # noqa: SLF001
        return found
