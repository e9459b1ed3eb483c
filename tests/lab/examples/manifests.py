"""Reads manifests as strictly as `kubectl apply --validate=strict`: by the models of Kubernetes' own Python client.

python manifests.py FILE...    prints what is wrong, and where; exits 1 if anything is.
"""

import sys

import yaml
from kubernetes import client
from pydantic import ValidationError

MODELS = {
    ("v1", "ServiceAccount"): client.V1ServiceAccount,
    ("batch/v1", "Job"): client.V1Job,
}


class Unique(yaml.SafeLoader):
    """A loader that refuses a key that stands twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.YAMLError(f"twice: {twice}, {node.start_mark}")
        return super().construct_mapping(node, deep)


def wrong(manifest):
    model = MODELS.get((manifest.get("apiVersion"), manifest.get("kind")))
    if model is None:
        yield "neither a Job nor a ServiceAccount"
        return
    try:
        read = model.model_validate(manifest)
    except ValidationError as error:
        for each in error.errors():
            yield f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
        return
    # The models take Python's spelling of a field, too; Kubernetes does not.
    if client.ApiClient().sanitize_for_serialization(read) != manifest:
        yield "is read as something else than it says"


def main(files):
    findings = []
    for file in files:
        with open(file, encoding="utf-8") as text:
            for manifest in yaml.load_all(text, Unique):
                findings += [f"{file}: {finding}" for finding in wrong(manifest)]
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
