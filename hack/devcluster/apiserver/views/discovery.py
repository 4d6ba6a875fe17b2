"""What is served, in every form that clients ask for it: by version, by group, or all at once (aggregated).

Source: the Kubernetes documentation, "Kubernetes API Concepts", "API Discovery".
"""

import functools

JSON = "application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
EDIT = ("get", "patch", "update")
SCALE = ("autoscaling", "v1", "Scale")
# subresource → (verbs, what is sent and answered: None for the kind itself)
SUBRESOURCES = {
    "status": (EDIT, None),
    "scale": (EDIT, SCALE),
    "resize": (EDIT, None),
    "finalize": (("update",), None),
    "binding": (("create",), ("", "", "Binding")),
    "eviction": (("create",), ("policy", "v1", "Eviction")),
    "token": (("create",), ("authentication.k8s.io", "v1", "TokenRequest")),
    "log": (("get",), None),
}
VERSION = {
    "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
    "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.2",
    "gitCommit": "devcluster", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26.10", "compiler": "gc", "platform": "linux/amd64"}


def answer(registry, path, accept, host):
    """(body, content type) of a discovery path; None for any other path."""
    if path == "/version":
        return VERSION, JSON
    parts = path.strip("/").split("/")
    if parts == [""]:
        return {"paths": _paths(registry)}, JSON
    if parts in (["api"], ["apis"]):
        return _top(registry, parts[0], accept, host)
    if parts == ["api", "v1"]:
        return _version(registry, "", "v1"), JSON
    if parts[0] == "apis" and len(parts) in (2, 3):
        found = _group(registry, parts[1]) if len(parts) == 2 else _version(registry, *parts[1:])
        return found and (found, JSON)
    return None


def groups(registry):
    """{group: {version: [Resource]}}, in order of preference."""
    found = {}
    for resource in registry.resources():
        found.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    return found


def _paths(registry):
    paths = ["/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
    for group, versions in groups(registry).items():
        if group:
            paths += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
    return sorted(paths)


def _top(registry, root, accept, host):
    """/api and /apis; aggregated for who accepts that."""
    served = {group: versions for group, versions in groups(registry).items()
              if bool(group) == (root == "apis")}
    if version := _aggregated_version(accept):
        items = [_aggregated_group(registry, group, versions) for group, versions in served.items()]
        return {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}",
                "metadata": {}, "items": items}, AGGREGATED.format(version)
    if root == "api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": host}]}, JSON
    return {"kind": "APIGroupList", "apiVersion": "v1",
            "groups": [_versions(group, versions) for group, versions in served.items()]}, JSON


@functools.lru_cache(maxsize=64)
def _aggregated_version(accept):
    """The first version of aggregated discovery that an Accept header names before plain JSON, if any."""
    for clause in (accept or "").split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        named = dict(part.split("=", 1) for part in parameters if "=" in part)
        if media != JSON:
            continue
        if "as" not in named:
            return None
        if (named.get("g"), named["as"]) == ("apidiscovery.k8s.io", "APIGroupDiscoveryList"):
            if named.get("v") in ("v2", "v2beta1"):
                return named["v"]
    return None


def _versions(group, versions):
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _group(registry, group):
    versions = groups(registry).get(group)
    return versions and {"kind": "APIGroup", "apiVersion": "v1", **_versions(group, versions)}


def _version(registry, group, version):
    """An APIResourceList; None for what is not served."""
    served = groups(registry).get(group, {}).get(version)
    if served is None:
        return None
    listed = []
    for resource in served:
        listed += _listed(resource)
    body = {"kind": "APIResourceList", "groupVersion": version,
            "resources": sorted(listed, key=lambda one: one["name"])}
    if group:  # the core group's list has no apiVersion on a real server either
        body |= {"apiVersion": "v1", "groupVersion": f"{group}/{version}"}
    return body


def _names(resource):
    """Short names and categories, where there are any."""
    names = {"shortNames": list(resource.short), "categories": list(resource.categories)}
    return {key: value for key, value in names.items() if value}


def _listed(resource):
    """The entries of an APIResourceList for a resource and its subresources."""
    yield {"name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
           "kind": resource.kind, "verbs": list(resource.verbs), **_names(resource)}
    for name in resource.subresources:
        verbs, kind = SUBRESOURCES[name]
        entry = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced,
                 "kind": kind[2] if kind else resource.kind, "verbs": list(verbs)}
        if kind and kind[0]:
            entry |= {"group": kind[0], "version": kind[1]}
        yield entry


def _aggregated_group(registry, group, versions):
    metadata = {"name": group} if group else {}
    return {"metadata": metadata, "versions": [
        {"version": version, "freshness": "Current",
         "resources": [_aggregated(registry, resource)
                       for resource in sorted(resources, key=lambda one: one.plural)]}
        for version, resources in versions.items()]}


def _aggregated(registry, resource):
    # a real server names group and version of custom kinds only
    custom = registry.schema(resource) is not None
    own = (resource.group, resource.version, resource.kind) if custom else ("", "", resource.kind)
    entry = {"resource": resource.plural, "responseKind": _kind(own),
             "scope": "Namespaced" if resource.namespaced else "Cluster",
             "singularResource": resource.singular, "verbs": list(resource.verbs), **_names(resource)}
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": name, "responseKind": _kind(SUBRESOURCES[name][1] or own),
             "verbs": list(SUBRESOURCES[name][0])} for name in sorted(resource.subresources)]
    return entry


def _kind(names):
    return dict(zip(("group", "version", "kind"), names))
