#!/usr/bin/env python3
"""Prints the bill of materials of a release, in CycloneDX 1.5: python3 .ci/sbom.py >quotakeeper.cdx.json

What is linked into the binary is `required`; what only takes part in the build (procedural macros, build scripts) is `excluded`. Nothing
in it depends on the time or the machine, so the same Cargo.lock gives the same bytes.
"""

import json
import subprocess
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]  # as in deny.toml
FONT = {
    "type": "data",
    "bom-ref": "font-roboto",
    "scope": "required",
    "name": "Roboto",
    "description": "A subset of the font, for pictures: src/mail/font/README.md",
    "licenses": [{"license": {"id": "Apache-2.0"}}],
}


def crates(edges):
    """{(name, version)} of the crates that these edges of the dependency graph reach on any target."""
    targets = [word for target in TARGETS for word in ("--target", target)]
    command = ["cargo", "tree", "--locked", "--prefix", "none", "--edges", edges, "--format", "{p}", *targets]
    lines = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line}


def component(package, kind, scope, checksum):
    name, version = package["name"], package["version"]
    found = {"type": kind, "bom-ref": f"{name}@{version}", "scope": scope, "name": name, "version": version}
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["license"]:  # as old crates write it: MIT/Apache-2.0
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    found["purl"] = f"pkg:cargo/{name}@{version}"
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def is_of_release(edge):
    return any(reason["kind"] != "dev" for reason in edge["dep_kinds"])


def main():
    metadata = ["cargo", "metadata", "--locked", "--format-version", "1"]
    known = json.loads(subprocess.run(metadata, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout)
    packages = {(package["name"], package["version"]): package for package in known["packages"]}
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    own = next(crate for crate, package in packages.items() if package["id"] == known["resolve"]["root"])
    linked, building = crates("normal,no-proc-macro"), crates("normal,build")

    components = [
        component(packages[crate], "library", "required" if crate in linked else "excluded", checksums[crate])
        for crate in sorted(linked | building)
        if crate != own
    ]
    refs = {packages[crate]["id"]: f"{crate[0]}@{crate[1]}" for crate in linked | building}
    dependencies = [
        {"ref": refs[node["id"]], "dependsOn": sorted({refs[edge["pkg"]] for edge in node["deps"] if edge["pkg"] in refs and is_of_release(edge)})}
        for node in known["resolve"]["nodes"]
        if node["id"] in refs
    ]
    application = component(packages[own], "application", "required", None)
    del application["scope"]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": application},
        "components": [*components, FONT],
        "dependencies": sorted(dependencies, key=lambda dependency: dependency["ref"]),
    }
    print(json.dumps(bom, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
