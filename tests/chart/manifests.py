#!/usr/bin/python3
"""Strict check of rendered manifests: every field exists in the Kubernetes API with the right type
(python3-kubernetes has the API's types, generated from its OpenAPI). Also finds other errors that an
API server or `helm lint` reports.

    manifests.py FILE...
"""
import re
import sys

import yaml
from kubernetes.client import models

# The fields used of kinds that are not part of Kubernetes itself.
FOREIGN = {"ServiceMonitor": {"selector", "namespaceSelector", "endpoints"}, "PrometheusRule": {"groups"},
           # Newer than the models; tests/chart/admissions evaluates the policy itself.
           "ValidatingAdmissionPolicy": {"failurePolicy", "matchConstraints", "matchConditions", "variables",
                                         "validations"},
           "ValidatingAdmissionPolicyBinding": {"policyName", "validationActions"}}
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
SIMPLE = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": str}


# The group of each kind: the models' names have only version and kind.
GROUPS = {"ConfigMap": "v1", "ServiceAccount": "v1", "Service": "v1", "DaemonSet": "apps/v1", "Deployment": "apps/v1",
          "Job": "batch/v1", "Pod": "v1"}
RBAC = "rbac.authorization.k8s.io/v1"


# Fields newer than the models.
NEWER = {"V1SecurityContext": {"appArmorProfile": {"type"}}}


def check(value, type_name, path, complain):
    listed = re.fullmatch(r"list\[(.*)\]", type_name)
    mapped = re.fullmatch(r"dict\(str, (.*)\)", type_name)
    if listed:
        if not isinstance(value, list):
            return complain(f"{path}: expected a list")
        for i, each in enumerate(value):
            check(each, listed[1], f"{path}[{i}]", complain)
    elif mapped:
        if not isinstance(value, dict):
            return complain(f"{path}: expected a map")
        for key, each in value.items():
            check(each, mapped[1], f"{path}.{key}", complain)
    elif type_name == "object":
        # An int-or-string or a quantity.
        if not isinstance(value, (int, str, dict)):
            complain(f"{path}: expected a number or a string")
    elif type_name in SIMPLE:
        wrong_bool = isinstance(value, bool) and type_name != "bool"
        if wrong_bool or not isinstance(value, SIMPLE[type_name]):
            complain(f"{path}: expected {type_name}, found {value!r}")
    else:
        check_model(value, getattr(models, type_name), path, complain)


def check_model(value, model, path, complain):
    if not isinstance(value, dict):
        return complain(f"{path}: expected a map")
    attributes = {json: name for name, json in model.attribute_map.items()}
    for key, each in value.items():
        newer = NEWER.get(model.__name__, {}).get(key)
        if newer is not None:
            if not isinstance(each, dict) or set(each) - newer:
                complain(f"{path}.{key}: expected a map of {sorted(newer)}")
        elif key not in attributes:
            complain(f"{path}.{key}: no such field in {model.__name__}")
        elif each is None:
            complain(f"{path}.{key}: is null")
        else:
            check(each, model.openapi_types[attributes[key]], f"{path}.{key}", complain)
    # The model's constructor requires what the API requires.
    try:
        model(**{attributes[k]: v for k, v in value.items() if k in attributes})
    except ValueError as error:
        complain(f"{path}: {error}")


def check_pod(template, selector, path, complain):
    spec, labels = template["spec"], template["metadata"]["labels"]
    if any(labels.get(k) != v for k, v in selector["matchLabels"].items()):
        complain(f"{path}: the selector does not match the pods' labels")
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    used = set()
    for container in spec.get("initContainers", []) + spec["containers"]:
        ports = {port["name"] for port in container.get("ports", [])}
        for mount in container.get("volumeMounts", []):
            used.add(mount["name"])
            if mount.get("mountPropagation") == "Bidirectional" and not container["securityContext"].get("privileged"):
                complain(f"{path}: {container['name']} mounts {mount['name']} Bidirectional without being privileged")
        if container.get("securityContext") is None:
            complain(f"{path}: {container['name']} has no securityContext")
        for probe in ("livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if isinstance(port, str) and port not in ports:
                complain(f"{path}: {probe} names the port {port}, which there is not")
    if used != volumes:
        complain(f"{path}: volumes and mounts differ: {sorted(used ^ volumes)}")


def check_document(document, complain):
    kind, version = document.get("kind"), document.get("apiVersion", "")
    name = document.get("metadata", {}).get("name", "")
    path = f"{kind} {name}"
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
        complain(f"{path}: no name for an object")
    if (kind in CLUSTER_SCOPED) == ("namespace" in document["metadata"]):
        complain(f"{path}: a namespace where there must be none, or none where there must be one")
    if kind in FOREIGN:
        for key in set(document["spec"]) - FOREIGN[kind]:
            complain(f"{path}: spec.{key} is not known here")
        return
    model = getattr(models, "V1" + kind, None)
    if model is None or version != GROUPS.get(kind, RBAC):
        return complain(f"{path}: there is no {kind} in {version}")
    check_model(document, model, path, complain)
    if kind in ("DaemonSet", "Deployment"):
        check_pod(document["spec"]["template"], document["spec"]["selector"], path, complain)
    if kind == "Pod":
        check_pod(document, {"matchLabels": {}}, path, complain)
    if kind == "Job":
        check_pod(document["spec"]["template"], {"matchLabels": {}}, path, complain)


def check_references(documents, complain):
    """Every referenced ServiceAccount, ConfigMap and Role exists, and no object exists twice."""
    names = [(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents]
    for each in set(names):
        if names.count(each) > 1:
            complain(f"{each} is there twice")
    there = {(kind, name) for kind, _, name in names}
    for document in documents:
        path = f"{document['kind']} {document['metadata']['name']}"
        wanted = set()
        if document["kind"].endswith("RoleBinding"):
            wanted.add((document["roleRef"]["kind"], document["roleRef"]["name"]))
            wanted |= {(s["kind"], s["name"]) for s in document["subjects"]}
        spec = document.get("spec", {}).get("template", {}).get("spec", {})
        if spec and ("serviceAccountName" in spec or spec.get("automountServiceAccountToken") is not False):
            wanted.add(("ServiceAccount", spec.get("serviceAccountName")))
            wanted |= {("ConfigMap", v["configMap"]["name"]) for v in spec.get("volumes", []) if "configMap" in v}
        for missing in wanted - there:
            complain(f"{path}: {missing[0]} {missing[1]} is not in the chart")


def main(files):
    status = 0
    for file in files:
        def complain(sentence, file=file):
            nonlocal status
            status = 1
            print(f"{file}: {sentence}")
        with open(file, encoding="utf-8") as text:
            documents = [d for d in yaml.safe_load_all(text) if d]
        for document in documents:
            check_document(document, complain)
        check_references(documents, complain)
        if not documents:
            complain("nothing is rendered")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
