"""Checks a configuration of Terraform against the declarations of the Google provider, without either of them.

python configuration.py DIRECTORY DECLARATIONS    prints what is wrong; exits 1 if anything is.

DECLARATIONS holds, for each resource, the declarations of TypeScript that @cdktf/provider-google makes of the provider's
schema. Seen are: arguments and blocks that do not exist or are missing, blocks that are written as arguments and the other
way round, and references to what is not declared. Types of values are not looked at.
"""

import re
import sys
from pathlib import Path

import hcl2

# What Terraform itself takes in every resource.
META = {"count", "for_each", "depends_on", "provider", "lifecycle"}


class Schema:
    """What a resource takes and gives."""

    def __init__(self, text):
        self.blocks = {
            name: self.fields(body)
            for name, body in re.findall(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", text, re.M | re.S)
        }
        self.root = re.search(r"^export interface (\w+Config) extends cdktf.Terraform", text, re.M)[1]
        own = text[text.index("extends cdktf.TerraformResource") :]
        self.gives = {snake(name) for name in re.findall(r"^    get (\w+)\(\)", own, re.M)}

    @staticmethod
    def fields(body):
        """Each field's name, whether it must be there, and its type."""
        found = re.findall(r"#(\w+) \w+#\1\}(?:(?!\*/).)*?\*/\s*readonly \w+(\??): ([^;]+)", body, re.S)
        return {name: (mark == "", kind.split("[")[0].split("|")[0].strip()) for name, mark, kind in found}


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def unquoted(label):
    return label.strip('"')


def without_comments(value):
    if isinstance(value, dict):
        return {key: without_comments(item) for key, item in value.items() if "_comments__" not in key}
    return [without_comments(item) for item in value] if isinstance(value, list) else value


def wrong_block(schema, kind, block, place):
    """What is wrong with the body of a block."""
    fields = schema.blocks[kind]
    written = {name: value for name, value in block.items() if name not in {"__is_block__", "dynamic"}}
    bodies = [(name, value) for name, value in written.items()]
    for dynamic in block.get("dynamic", []):
        for label, made in dynamic.items():
            bodies.append((unquoted(label), made["content"]))
    for name, value in bodies:
        if name not in fields:
            if not (kind == schema.root and name in META):
                yield f"{place}: there is no `{name}`"
            continue
        inner = fields[name][1]
        is_block = isinstance(value, list) and any(isinstance(v, dict) and "__is_block__" in v for v in value)
        if is_block != (inner in schema.blocks):
            yield f"{place}.{name}: is {'an argument' if is_block else 'a block'}, and written otherwise"
        elif is_block:
            for item in value:
                yield from wrong_block(schema, inner, item, f"{place}.{name}")
    for name, (is_required, _) in fields.items():
        if is_required and name not in dict(bodies):
            yield f"{place}: `{name}` is missing"


def texts(value):
    """All texts in a value."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "description":
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def main(directory, declarations):
    declared = {"resource": [], "variable": [], "locals": [], "terraform": [], "provider": []}
    for file in sorted(Path(directory).glob("*.tf")):
        for kind, blocks in without_comments(hcl2.loads(file.read_text(encoding="utf-8"))).items():
            declared[kind] += blocks
    findings = []
    resources, schemas = {}, {}
    for block in declared["resource"]:
        for kind, named in block.items():
            kind = unquoted(kind)
            path = Path(declarations) / kind.removeprefix("google_").replace("_", "-") / "index.d.ts"
            if not path.exists():
                findings.append(f"there is no resource `{kind}`")
                continue
            schemas[kind] = schema = Schema(path.read_text(encoding="utf-8"))
            for name, body in named.items():
                place = f"{kind}.{unquoted(name)}"
                resources[place] = kind
                findings += wrong_block(schema, schema.root, body, place)

    variables = {unquoted(name) for block in declared["variable"] for name in block}
    local = {name for block in declared["locals"] for name in block}
    used = set()
    for text in texts(declared):
        for kind, name in re.findall(r"\b(var|local)\.(\w+)", text):
            used.add((kind, name))
            if name not in (variables if kind == "var" else local):
                findings.append(f"{kind}.{name} is not declared")
        for kind, name, given in re.findall(r"\b(google_\w+)\.(\w+)(?:\[[^]]*\])?(?:\.(\w+))?", text):
            if f"{kind}.{name}" not in resources:
                findings.append(f"{kind}.{name} is not declared")
            elif given and given not in schemas[kind].gives:
                findings.append(f"{kind}.{name} has no `{given}`")
    unused = {("var", name) for name in variables} - used
    findings += [f"var.{name} is not used" for _, name in sorted(unused)]
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
