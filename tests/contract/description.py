"""What a description of the API says: api.yaml, or the vendor's."""

import re

import yaml


class Description:
    """An OpenAPI description with every reference and `allOf` resolved."""

    def __init__(self, path):
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        paths = self.resolved(self.document["paths"])
        self.operations = {(method.upper(), path): operation for path, item in paths.items() for method, operation in item.items()}

    def resolved(self, part):
        if isinstance(part, list):
            return [self.resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            target = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
            return self.resolved(part)
        merged = {}
        for base in [*part.get("allOf", []), {key: value for key, value in part.items() if key != "allOf"}]:
            base = self.resolved(base) if "allOf" in part else {key: self.resolved(value) for key, value in base.items()}
            properties = {**merged.get("properties", {}), **base.get("properties", {})}
            merged.update(base)
            if properties:
                merged["properties"] = properties
        return merged


def bodies(operation):
    """(where, schema) of all bodies of an operation: `request`, `200`, …; a status without a body has no schema."""
    if "requestBody" in operation:
        yield "request", operation["requestBody"]["content"]["application/json"]["schema"]
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        yield status, next((media["schema"] for media in content.values()), None)


def strict(schema, all_required=False):
    """The schema, refusing what it does not name; with `all_required` also what lacks something that it names."""
    schema = dict(schema)
    if "items" in schema:
        schema["items"] = strict(schema["items"], all_required)
    if "properties" in schema:
        schema["properties"] = {name: strict(inner, all_required) for name, inner in schema["properties"].items()}
        schema["additionalProperties"] = False
        if all_required:
            schema["required"] = list(schema["properties"])
    return schema


def fields(schema, place=""):
    """(place, schema, is it required) of every field: `organizations[].accountGroups[].value`."""
    if schema.get("type") == "array":
        yield f"{place}[]", schema["items"], False
        yield from fields(schema["items"], f"{place}[]")
    for name, inner in schema.get("properties", {}).items():
        inner_place = f"{place}.{name}".lstrip(".")
        yield inner_place, inner, name in schema.get("required", [])
        yield from fields(inner, inner_place)


def seen_in(value, place=""):
    """The places of a JSON text's fields, spelled as `fields` does."""
    if isinstance(value, list):
        for item in value:
            yield f"{place}[]"
            yield from seen_in(item, f"{place}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            inner_place = f"{place}.{name}".lstrip(".")
            yield inner_place
            yield from seen_in(inner, inner_place)


def described(description):
    """Every statement of a description as {place: what is said of it}, so that two of them can be compared."""
    said = {}
    for (method, path), operation in description.operations.items():
        line = f"{method} {path}"
        said[line] = operation["operationId"]
        for parameter in operation.get("parameters", []):
            said[f"{line} ?{parameter['name']}"] = (parameter["in"], parameter.get("required", False), kind(parameter["schema"]))
        for status, response in operation["responses"].items():
            said[f"{line} {status}"] = sorted(response.get("content", {}))
        for where, schema in bodies(operation):
            for place, inner, is_required in fields(schema or {}):
                said[f"{line} {where} {place}"] = kind(inner) + " required" * is_required
    return said


def kind(schema):
    """`array of integer int64 from 0`."""
    parts = [schema["type"]]
    parts += [schema[name] for name in ("format", "enum") if name in schema]
    parts += [f"from {schema['minimum']}"] if "minimum" in schema else []
    parts += ["of", kind(schema["items"])] if "items" in schema else []
    parts += [f"at least {schema['minItems']}"] if "minItems" in schema else []
    parts += ["or null"] if schema.get("nullable") else []
    return " ".join(map(str, parts))


def matches(place, pattern):
    """Whether a pattern, in which * stands for anything, is the place's."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), place)


def compare(ours, vendors, known):
    """What differs from the vendor's description and is not known to, or is known to and does not."""
    ours, vendors = described(ours), described(vendors)
    used = set()
    for place in sorted({*ours, *vendors}):
        mine, theirs = ours.get(place), vendors.get(place)
        if mine == theirs:
            continue
        matching = [number for number, entry in enumerate(known) if any(matches(place, pattern) for pattern in entry["places"])]
        used.update(matching)
        if not matching:
            yield f"{place}: here {mine}, there {theirs}"
    for number, entry in enumerate(known):
        if number not in used:
            yield f"differences.yaml has a difference that there is not: {entry['why']}"
