"""The protobuf messages that the lab reads: what helm and kubectl write through their typed clients.

The numbers of fields are those of the `generated.proto` files of k8s.io/api.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message: its JSON name, and what its value is. `message` names one of MESSAGES."""

    name: str
    kind: str = "string"  # string, bytes, int, bool, time, microtime, json, message, map, bytes-map
    many: bool = False
    message: str = ""


def _message(name: str, message: str, *, many: bool = False) -> Field:
    return Field(name, "message", many, message)


_META = _message("metadata", "ObjectMeta")

MESSAGES: dict[str, dict[int, Field]] = {
    "ObjectMeta": {
        1: Field("name"),
        2: Field("generateName"),
        3: Field("namespace"),
        5: Field("uid"),
        6: Field("resourceVersion"),
        7: Field("generation", "int"),
        8: Field("creationTimestamp", "time"),
        9: Field("deletionTimestamp", "time"),
        10: Field("deletionGracePeriodSeconds", "int"),
        11: Field("labels", "map"),
        12: Field("annotations", "map"),
        13: _message("ownerReferences", "OwnerReference", many=True),
        14: Field("finalizers", many=True),
        17: _message("managedFields", "ManagedFieldsEntry", many=True),
    },
    "OwnerReference": {
        1: Field("kind"),
        3: Field("name"),
        4: Field("uid"),
        5: Field("apiVersion"),
        6: Field("controller", "bool"),
        7: Field("blockOwnerDeletion", "bool"),
    },
    "ManagedFieldsEntry": {
        1: Field("manager"),
        2: Field("operation"),
        3: Field("apiVersion"),
        4: Field("time", "time"),
        6: Field("fieldsType"),
        7: Field("fieldsV1", "json"),
        8: Field("subresource"),
    },
    "Secret": {
        1: _META,
        2: Field("data", "bytes-map"),
        3: Field("type"),
        4: Field("stringData", "map"),
        5: Field("immutable", "bool"),
    },
    "ConfigMap": {
        1: _META,
        2: Field("data", "map"),
        3: Field("binaryData", "bytes-map"),
        4: Field("immutable", "bool"),
    },
    "Namespace": {1: _META, 2: _message("spec", "NamespaceSpec"), 3: _message("status", "NamespaceStatus")},
    "NamespaceSpec": {1: Field("finalizers", many=True)},
    "NamespaceStatus": {1: Field("phase")},
    "ServiceAccount": {
        1: _META,
        2: _message("secrets", "ObjectReference", many=True),
        3: _message("imagePullSecrets", "LocalObjectReference", many=True),
        4: Field("automountServiceAccountToken", "bool"),
    },
    "ObjectReference": {
        1: Field("kind"),
        2: Field("namespace"),
        3: Field("name"),
        4: Field("uid"),
        5: Field("apiVersion"),
        6: Field("resourceVersion"),
        7: Field("fieldPath"),
    },
    "LocalObjectReference": {1: Field("name")},
    "Lease": {1: _META, 2: _message("spec", "LeaseSpec")},
    "LeaseSpec": {
        1: Field("holderIdentity"),
        2: Field("leaseDurationSeconds", "int"),
        3: Field("acquireTime", "microtime"),
        4: Field("renewTime", "microtime"),
        5: Field("leaseTransitions", "int"),
    },
    "Role": {1: _META, 2: _message("rules", "PolicyRule", many=True)},
    "ClusterRole": {
        1: _META,
        2: _message("rules", "PolicyRule", many=True),
        3: _message("aggregationRule", "AggregationRule"),
    },
    "AggregationRule": {1: _message("clusterRoleSelectors", "LabelSelector", many=True)},
    "LabelSelector": {1: Field("matchLabels", "map"), 2: _message("matchExpressions", "Requirement", many=True)},
    "Requirement": {1: Field("key"), 2: Field("operator"), 3: Field("values", many=True)},
    "PolicyRule": {
        1: Field("verbs", many=True),
        2: Field("apiGroups", many=True),
        3: Field("resources", many=True),
        4: Field("resourceNames", many=True),
        5: Field("nonResourceURLs", many=True),
    },
    "RoleBinding": {1: _META, 2: _message("subjects", "Subject", many=True), 3: _message("roleRef", "RoleRef")},
    "ClusterRoleBinding": {1: _META, 2: _message("subjects", "Subject", many=True), 3: _message("roleRef", "RoleRef")},
    "Subject": {1: Field("kind"), 2: Field("apiGroup"), 3: Field("name"), 4: Field("namespace")},
    "RoleRef": {1: Field("apiGroup"), 2: Field("kind"), 3: Field("name")},
    "DeleteOptions": {
        1: Field("gracePeriodSeconds", "int"),
        2: _message("preconditions", "Preconditions"),
        3: Field("orphanDependents", "bool"),
        4: Field("propagationPolicy"),
        5: Field("dryRun", many=True),
    },
    "Preconditions": {1: Field("uid"), 2: Field("resourceVersion")},
    "TokenRequest": {1: _META, 2: _message("spec", "TokenRequestSpec")},
    "TokenRequestSpec": {
        1: Field("audiences", many=True),
        3: _message("boundObjectRef", "BoundObjectReference"),
        4: Field("expirationSeconds", "int"),
    },
    "BoundObjectReference": {1: Field("kind"), 2: Field("apiVersion"), 3: Field("name"), 4: Field("uid")},
    "SelfSubjectAccessReview": {1: _META, 2: _message("spec", "AccessReviewSpec")},
    "AccessReviewSpec": {
        1: _message("resourceAttributes", "ResourceAttributes"),
        2: _message("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: Field("namespace"),
        2: Field("verb"),
        3: Field("group"),
        4: Field("version"),
        5: Field("resource"),
        6: Field("subresource"),
        7: Field("name"),
    },
    "NonResourceAttributes": {1: Field("path"), 2: Field("verb")},
    "SelfSubjectRulesReview": {1: _META, 2: _message("spec", "RulesReviewSpec")},
    "RulesReviewSpec": {1: Field("namespace")},
    "SelfSubjectReview": {1: _META},
}

# Those that are objects, or options, of their own.
KINDS = sorted({name for name, fields in MESSAGES.items() if fields[1] is _META} | {"DeleteOptions"})
