"""What the API refuses: by its schemas, as fieldValidation asks, and by each kind's own rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mcci.lab.clusters.api.rules.quantities import number
from tests.unit.lab.rest import (
    APPLY,
    CONFIG_MAPS,
    DEPLOYMENTS,
    MERGE,
    SERVICES,
    STRATEGIC,
    VIRTUAL_SERVICES,
    Rest,
    config_map,
    deployment,
    virtual_service,
)

Object = dict[str, Any]
SECRETS = "/api/v1/namespaces/default/secrets"
ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
CONTAINER = "spec.template.spec.containers[0]"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


@pytest.fixture
def rest() -> Rest:
    return Rest("virtualservices")


def _misspelled() -> Object:
    body = deployment("web")
    body["spec"]["replica"] = 2
    return body


def test_strict_refuses_unknown_fields(rest: Rest) -> None:
    """With Strict an unknown field is 400, in built-in and custom kinds."""
    reply = rest("POST", DEPLOYMENTS, _misspelled(), fieldValidation="Strict")
    assert (reply.status_code, reply.json()["message"]) == (400, 'strict decoding error: unknown field "spec.replica"')
    custom = virtual_service("web")
    custom["spec"]["http"][0]["route"][0]["wieght"] = 1
    reply = rest("POST", VIRTUAL_SERVICES, custom, fieldValidation="Strict")
    assert 'unknown field "spec.http[0].route[0].wieght"' in reply.json()["message"]
    assert rest("GET", DEPLOYMENTS).json()["items"] == rest("GET", VIRTUAL_SERVICES).json()["items"] == []


@pytest.mark.parametrize(("validation", "warned"), [("Warn", True), ("Ignore", False), ("", True)])
def test_forgiven_fields_are_left_out(rest: Rest, validation: str, warned: bool) -> None:
    """With Warn (the default) the answer warns, with Ignore it does not; neither keeps the field."""
    reply = rest("POST", DEPLOYMENTS, _misspelled(), fieldValidation=validation)
    assert "replica" not in reply.json()["spec"]
    assert (reply.headers.get("warning") == '299 - "unknown field \\"spec.replica\\""') is warned


def test_validation_is_one_of_three(rest: Rest) -> None:
    """Another fieldValidation is 400."""
    assert rest("POST", DEPLOYMENTS, _misspelled(), fieldValidation="Maybe").status_code == 400


def test_apply_refuses_unknown_fields_anyway(rest: Rest) -> None:
    """A field that the schema does not know can have no owner: an apply fails, whatever the validation."""
    reply = rest(
        "PATCH", f"{DEPLOYMENTS}/web", _misspelled(), kind=APPLY, fieldManager="helm", fieldValidation="Ignore"
    )
    assert (reply.status_code, ".spec.replica: field not declared in schema" in reply.json()["message"]) == (500, True)


def test_wrong_type_in_a_built_in_kind(rest: Rest) -> None:
    """A built-in kind's wrong type cannot be decoded: 400."""
    reply = rest("POST", DEPLOYMENTS, deployment("web", replicas="two"))
    assert reply.status_code == 400
    assert "json: cannot unmarshal string into Go struct field Deployment.spec.replicas" in reply.json()["message"]


def test_wrong_type_in_a_custom_kind(rest: Rest) -> None:
    """A custom kind's wrong type is 422, with a cause that names the field."""
    body = rest("POST", VIRTUAL_SERVICES, virtual_service("web", "many")).json()
    assert (body["code"], body["reason"]) == (422, "Invalid")
    (cause,) = body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueTypeInvalid", "spec.http[0].route[0].weight")


def _pod(**pod: Any) -> Object:
    body = deployment("web")
    body["spec"]["template"]["spec"] |= pod
    return body


def _container(**fields: Any) -> Object:
    return _pod(containers=[{"name": "web", "image": "web:1", **fields}])


def _service(**spec: Any) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], **spec}}


def _job(**spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}
    return {"metadata": {"name": "web"}, "spec": {"template": {"spec": pod}, **spec}}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (DEPLOYMENTS, deployment("Web"), "metadata.name"),
        (CONFIG_MAPS, config_map("a", labels={"x": "not a label"}), "metadata.labels"),
        (CONFIG_MAPS, config_map("a", {"not a key": "x"}), "data[not a key]"),
        (DEPLOYMENTS, deployment("web", selector={}), "spec.selector"),
        (DEPLOYMENTS, deployment("web", selector={"matchLabels": {"a": "b"}}), "spec.template.metadata.labels"),
        (DEPLOYMENTS, deployment("web", replicas=-1), "spec.replicas"),
        (DEPLOYMENTS, _pod(containers=[]), "spec.template.spec.containers"),
        (DEPLOYMENTS, _pod(restartPolicy="Never"), "spec.template.spec.restartPolicy"),
        (DEPLOYMENTS, _container(image=""), "spec.template.spec.containers[0].image"),
        (DEPLOYMENTS, _container(name="Web"), "spec.template.spec.containers[0].name"),
        (
            DEPLOYMENTS,
            _container(ports=[{"containerPort": 0}]),
            "spec.template.spec.containers[0].ports[0].containerPort",
        ),
        (
            DEPLOYMENTS,
            _container(volumeMounts=[{"name": "v", "mountPath": "/v"}]),
            "spec.template.spec.containers[0].volumeMounts[0].name",
        ),
        (DEPLOYMENTS, _container(ports=[{"containerPort": 80, "name": "UPPER"}]), f"{CONTAINER}.ports[0].name"),
        (DEPLOYMENTS, _container(ports=[{"containerPort": 80, "protocol": "X"}]), f"{CONTAINER}.ports[0].protocol"),
        (DEPLOYMENTS, _container(imagePullPolicy="Sometimes"), f"{CONTAINER}.imagePullPolicy"),
        (DEPLOYMENTS, _container(env=[{"name": ""}]), f"{CONTAINER}.env[0].name"),
        (DEPLOYMENTS, _container(env=[{"name": "a=b"}]), f"{CONTAINER}.env[0].name"),
        (DEPLOYMENTS, _container(readinessProbe={}), f"{CONTAINER}.readinessProbe"),
        (DEPLOYMENTS, _container(livenessProbe={"httpGet": {"port": 0}}), f"{CONTAINER}.livenessProbe.httpGet.port"),
        (
            DEPLOYMENTS,
            _container(livenessProbe={"tcpSocket": {"port": 1}, "successThreshold": 2}),
            f"{CONTAINER}.livenessProbe.successThreshold",
        ),
        (
            DEPLOYMENTS,
            _container(resources={"requests": {"memory": "1Gi"}, "limits": {"memory": "900M"}}),
            f"{CONTAINER}.resources.requests",
        ),
        (DEPLOYMENTS, _pod(volumes=[{"name": "v"}, {"name": "v"}]), "spec.template.spec.volumes[1].name"),
        (DEPLOYMENTS, deployment("web", strategy={"type": "Sudden"}), "spec.strategy"),
        (
            DEPLOYMENTS,
            deployment("web", strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
            "spec.strategy.rollingUpdate.maxUnavailable",
        ),
        (DEPLOYMENTS, deployment("web", minReadySeconds=600), "spec.progressDeadlineSeconds"),
        (JOBS, _job(backoffLimit=-1), "spec.backoffLimit"),
        (JOBS, _job(selector={"matchLabels": {"a": "b"}}), "spec.selector"),
        (SERVICES, _service(ports=[]), "spec.ports"),
        (SERVICES, _service(ports=[{"port": 80}, {"port": 81}]), "spec.ports[0].name"),
        (SERVICES, _service(ports=[{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]), "spec.ports[1]"),
        (SERVICES, _service(selector={"a b": "c"}), "spec.selector"),
        (SERVICES, _service(type="ExternalName"), "spec.externalName"),
        (SERVICES, {**_service(), "metadata": {"name": "1web"}}, "metadata.name"),
        (SECRETS, {"metadata": {"name": "web"}, "type": "kubernetes.io/tls"}, "data[tls.crt]"),
        (CONFIG_MAPS, config_map("a", annotations={"a b": "c"}), "metadata.annotations"),
        (CONFIG_MAPS, config_map("a", finalizers=["unqualified"]), "metadata.finalizers[0]"),
        (
            ROLES,
            {"metadata": {"name": "a"}, "rules": [{"verbs": ["get"], "resources": ["pods"]}]},
            "rules[0].apiGroups",
        ),
        (ROLE_BINDINGS, {"metadata": {"name": "a"}, "roleRef": {"kind": "Hat", "name": "a"}}, "roleRef.kind"),
        (
            POLICIES,
            {"metadata": {"name": "a"}, "spec": {"podSelector": {}, "ingress": [{"from": [{}]}]}},
            "spec.ingress[0].from[0]",
        ),
        (
            "/api/v1/namespaces/default/events",
            {"metadata": {"name": "a"}, "involvedObject": {"kind": "Pod", "namespace": "other"}},
            "involvedObject.namespace",
        ),
        (SERVICES, _service(ports=[{"port": 70000}]), "spec.ports[0].port"),
        (SERVICES, _service(type="Ingress"), "spec.type"),
        (
            AUTOSCALERS,
            {
                "metadata": {"name": "a"},
                "spec": {"maxReplicas": 0, "scaleTargetRef": {"kind": "Deployment", "name": "a"}},
            },
            "spec.maxReplicas",
        ),
        (BUDGETS, {"metadata": {"name": "a"}, "spec": {"minAvailable": 1, "maxUnavailable": 1}}, "spec"),
        (
            LEASES,
            {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds",
        ),
    ],
)
def test_rules(rest: Rest, path: str, body: Object, field: str) -> None:
    """An object that breaks a rule of its kind is 422, with a cause that names the field, and is not kept."""
    reply = rest("POST", path, body).json()
    assert (reply["code"], reply["reason"]) == (422, "Invalid"), reply
    assert field in [cause["field"] for cause in reply["details"]["causes"]], reply
    assert body["metadata"]["name"] not in [item["metadata"]["name"] for item in rest("GET", path).json()["items"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SECRETS, {"metadata": {"name": "a"}, "data": {"a": "no base64!"}}),
        (DEPLOYMENTS, _container(resources={"requests": {"cpu": "much"}})),
        (LEASES, {"metadata": {"name": "a"}, "spec": {"renewTime": "2026-01-01T00:00:00Z"}}),
        (CONFIG_MAPS, config_map("a", creationTimestamp="yesterday")),
    ],
)
def test_texts_that_cannot_be_decoded(rest: Rest, path: str, body: Object) -> None:
    """A text that is no base64, quantity or time is 400; a Lease's times need their microseconds."""
    reply = rest("POST", path, body)
    assert (reply.status_code, reply.json()["reason"]) == (400, "BadRequest"), reply.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250m", "0.25"), ("1Gi", "1073741824"), ("1.5k", "1500"), ("2e3", "2000"), (3, "3"), ("x", None), ("1 Gi", None)],
)
def test_quantities(text: Any, expected: str | None) -> None:
    """A quantity is a number with a decimal or binary suffix."""
    assert number(text) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{CONFIG_MAPS}/a"), ("PUT", CONFIG_MAPS), ("DELETE", "/api/v1/namespaces")]
)
def test_methods_that_are_not_there(rest: Rest, method: str, path: str) -> None:
    """An object is made without its name in the address and replaced with it; no one deletes all namespaces."""
    reply = rest(method, path, config_map("a"))
    assert (reply.status_code, reply.json()["reason"]) == (405, "MethodNotAllowed")


def test_two_containers_of_one_name(rest: Rest) -> None:
    """Containers of a pod have names of their own."""
    twice = _pod(containers=[{"name": "a", "image": "a"}, {"name": "a", "image": "b"}])
    (cause,) = rest("POST", DEPLOYMENTS, twice).json()["details"]["causes"]
    assert cause["reason"] == "FieldValueDuplicate"


@pytest.mark.parametrize(
    ("path", "body", "patch", "field"),
    [
        (
            DEPLOYMENTS,
            deployment("web"),
            {"spec": {"selector": {"matchLabels": {"b": "c"}}, "template": {"metadata": {"labels": {"b": "c"}}}}},
            "spec.selector",
        ),
        (SERVICES, _service(), {"spec": {"clusterIP": "10.96.9.9", "clusterIPs": None}}, "spec.clusterIP"),
        (SECRETS, {"metadata": {"name": "web"}}, {"type": "example.com/other"}, "type"),
        (CONFIG_MAPS, {**config_map("web", {"x": "1"}), "immutable": True}, {"data": {"x": "2"}}, "data"),
        (
            ROLE_BINDINGS,
            {"metadata": {"name": "web"}, "roleRef": {"kind": "ClusterRole", "name": "view"}},
            {"roleRef": {"name": "edit"}},
            "roleRef",
        ),
    ],
)
def test_what_never_changes(rest: Rest, path: str, body: Object, patch: Object, field: str) -> None:
    """A change of an immutable field is 422, and the object stays as it was."""
    made = rest("POST", path, body)
    assert made.status_code == 201, made.text
    reply = rest("PATCH", f"{path}/web", patch, kind=MERGE).json()
    assert (reply["code"], [cause["field"] for cause in reply["details"]["causes"]]) == (422, [field]), reply
    assert rest("GET", f"{path}/web").json() == made.json()


def test_defaults_of_a_deployment(rest: Rest) -> None:
    """What a Deployment leaves open is filled in as Kubernetes documents it."""
    spec = rest("POST", DEPLOYMENTS, deployment("web")).json()["spec"]
    assert (spec["replicas"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (1, 10, 600)
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    (container,) = spec["template"]["spec"]["containers"]
    assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
    assert container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("r:5000/a", "Always"),
        ("a:1", "IfNotPresent"),
        ("a@sha256:0", "IfNotPresent"),
    ],
)
def test_pull_policy(rest: Rest, image: str, policy: str) -> None:
    """Only an image without a tag, or tagged latest, is pulled every time; a registry's port is no tag."""
    spec = rest("POST", DEPLOYMENTS, deployment("web", image)).json()["spec"]
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_new_strategy_by_strategic_merge(rest: Rest) -> None:
    """A Deployment becomes Recreate when the patch retains only the type, as kubectl and helm send it."""
    rest("POST", DEPLOYMENTS, deployment("web"))
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    changed = rest("PATCH", f"{DEPLOYMENTS}/web", patch, kind=STRATEGIC).json()
    assert changed["spec"]["strategy"] == {"type": "Recreate"}
