"""What pydantic found, in the user's words: place, unit and the nearest known key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from llmdesk.config.draft import nearest
from llmdesk.config.provider_settings import KIND_MODELS
from llmdesk.config.settings import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from llmdesk.config.draft import Draft
    from llmdesk.config.yaml_tree import Path

_WANTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "is_instance_of": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes if it is",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping (key: value)",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "greater than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_UNITS = {"_s": "seconds", "_usd": "US dollars", "_mtok": "US dollars", "_tokens": "tokens", "_days": "days"}


def validated(draft: Draft) -> Settings | None:
    """Build the settings; every violation becomes a fault of the draft, and then there is nothing to return."""
    try:
        return Settings.model_validate(draft.data)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            _note(draft, details)
    return None


def _note(draft: Draft, details: ErrorDetails) -> None:
    kind, loc = details["type"], details["loc"]
    if loc[-1:] == ("[key]",):
        path = _path(loc[:-1], draft.data, last=False)
        message = "a name is made of letters, digits, '.', '_' and '-' (at most 64)"
        if kind == "literal_error":
            message = _choice((), str(details["ctx"]["expected"]), path[-1])
        draft.fault(path, message, key=True)
        return
    path = _path(loc, draft.data, last=kind == "missing")
    if kind == "extra_forbidden":
        draft.fault(path, _unknown(path, draft.data), key=True)
    elif kind == "missing":
        draft.fault(path[:-1], f"'{path[-1]}' is missing", key=True)
    elif kind == "union_tag_not_found":
        draft.fault(path, f"'kind' is missing; one of {', '.join(KIND_MODELS)}", key=True)
    elif kind == "union_tag_invalid":
        given = str(_at(draft.data, (*path, "kind")))
        draft.fault((*path, "kind"), f"unknown kind '{given}'{nearest(given, KIND_MODELS)}")
    else:
        draft.fault(path, _message(kind, path, details, draft))


def _message(kind: str, path: Path, details: ErrorDetails, draft: Draft) -> str:
    context = details.get("ctx", {})
    unit = _unit(path)
    message = details["msg"]
    if wanted := _WANTED.get(kind):
        numeric = "number" in wanted
        quoted = numeric and isinstance(_at(draft.data, path), str)
        message = (
            wanted + (f" of {unit}" if unit and numeric else "") + (", without a unit or quotes" if quoted else "")
        )
    elif bound := _BOUNDS.get(kind):
        limit = context[bound[0]]
        message = f"must be {bound[1]} {limit}" + (f" {unit.removesuffix('s') if limit == 1 else unit}" if unit else "")
    elif kind == "literal_error":
        message = _choice(path, str(context["expected"]), _at(draft.data, path))
    elif kind == "value_error":
        message = str(context["error"])
    return message


def _choice(path: Path, expected: str, given: Any) -> str:
    if path == ("version",):
        return "this version of llmdesk reads version 1"
    choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
    near = nearest(given, choices) if isinstance(given, str) else ""
    return f"must be one of {', '.join(choices)}" + (near if "mean" in near else "")


def _unit(path: Path) -> str:
    name = str(path[-1]) if path else ""
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def _path(loc: tuple[int | str, ...], data: Any, *, last: bool) -> Path:
    """Drop from pydantic's location what is no step of the data (the tag of a union); a missing key is its ``last``."""
    path: list[int | str] = []
    current = data
    for index, step in enumerate(loc):
        inside = step in current if isinstance(current, dict) else isinstance(step, int) and isinstance(current, list)
        tag = index == 2 and loc[0] == "providers"
        if tag or not (inside or (last and index == len(loc) - 1)):
            continue
        path.append(step)
        current = current[step] if inside else None
    return tuple(path)


def _at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _unknown(path: Path, data: Any) -> str:
    name = str(path[-1])
    model = _model_at(path[:-1], data)
    message = f"unknown key '{name}'"
    if path[0] == "providers" and len(path) == 3:
        owners = [kind for kind, other in KIND_MODELS.items() if name in _keys(other)]
        if owners:
            have = (
                f"kind {owners[0]} has" if len(owners) == 1 else f"kinds {', '.join(owners[:-1])} and {owners[-1]} have"
            )
            return f"{message} for kind {_at(data, (*path[:-1], 'kind'))}; {have} it"
    return message + (nearest(name, _keys(model)) if model else "")


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: Path, data: Any) -> type[BaseModel] | None:
    """The model that describes the mapping at ``path``."""
    model: type[BaseModel] | None = Settings
    steps = list(path)
    if steps[:1] == ["providers"] and len(steps) > 1:
        model = KIND_MODELS.get(str(_at(data, (*steps[:2], "kind"))))
        steps = steps[2:]
    entry = False
    for step in steps:
        if entry:  # the name or number of an entry, not a key
            entry = False
            continue
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == step), None) if model else None
        if field is None:
            return None
        model = _first_model(field.annotation)
        entry = _holds_entries(field.annotation)
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _first_model(a))), None)


def _holds_entries(annotation: Any) -> bool:
    return get_origin(annotation) in (dict, tuple) or any(map(_holds_entries, get_args(annotation)))
