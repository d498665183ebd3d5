"""Looking through type annotations."""

from typing import Any, get_args

from pydantic import BaseModel


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """Find the model in an annotation such as ``tuple[Watch, ...]`` or ``Http | None``.

    Parameters
    ----------
    annotation : Any
        What stands behind a field's colon.

    Returns
    -------
    type or None
        None when the field holds no model.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> inner_model(tuple[int, ...] | None) is None
    True
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(inner_model, get_args(annotation))), None)
