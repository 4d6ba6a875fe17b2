"""Which webhooks a request concerns: the rules and the selectors of webhook configurations.

Source: the API reference of MutatingWebhookConfiguration. matchConditions (CEL) are not evaluated.
"""

import dataclasses
import functools
import logging

from ... import errors, selector
from ...resources import find

log = logging.getLogger("admission")

EXEMPT_GROUP = "admissionregistration.k8s.io"  # no webhook ever judges the configuration of webhooks


@dataclasses.dataclass(frozen=True)
class Hook:
    """One webhook of one configuration."""

    configuration: str
    webhook: dict
    namespaces: list  # requirements on the labels of the namespace
    objects: list  # requirements on the labels of the object

    @property
    def name(self):
        return self.webhook["name"]

    @property
    def ignores_failures(self):
        return self.webhook.get("failurePolicy", "Fail") == "Ignore"


def hooks_of(configuration):
    """The Hooks of a configuration, in order."""
    name = configuration["metadata"]["name"]
    for webhook in configuration.get("webhooks") or ():
        if webhook.get("matchConditions"):
            _notice(name, webhook["name"])
    return [Hook(name, webhook, selector.of_selector(webhook.get("namespaceSelector") or {}),
                 selector.of_selector(webhook.get("objectSelector") or {}))
            for webhook in configuration.get("webhooks") or ()]


@functools.lru_cache(maxsize=None)
def _notice(configuration, webhook):
    """Said once of each webhook, however often its configuration is written."""
    log.warning("%s: %s: matchConditions are not evaluated, but taken as true", configuration, webhook)


def concerns(hook, attributes, lookup):
    """Whether a webhook is to be called. ApiError where that cannot be said for want of the namespace."""
    return (any(_rule_matches(rule, attributes) for rule in hook.webhook.get("rules") or ())
            and _object_matches(hook, attributes) and _namespace_matches(hook, attributes, lookup))


def _rule_matches(rule, attributes):
    resource = attributes.request.resource
    return (_has(rule["operations"], attributes.operation) and _has(rule["apiGroups"], resource.group)
            and _has(rule["apiVersions"], resource.version) and _resource_matches(rule, attributes)
            and rule.get("scope", "*") in ("*", "Namespaced" if attributes.in_namespace else "Cluster"))


def _has(items, wanted):
    return "*" in items or wanted in items


def _resource_matches(rule, attributes):
    for item in rule["resources"]:
        plural, _, subresource = item.partition("/")
        if (plural in ("*", attributes.request.resource.plural)
                and subresource in ("*", attributes.request.subresource)):
            return True
    return False


def _object_matches(hook, attributes):
    if not hook.objects:
        return True
    return any(selector.matches(hook.objects, (one.get("metadata") or {}).get("labels"))
               for one in (attributes.object, attributes.old_object) if one is not None)


def _namespace_matches(hook, attributes, lookup):
    resource = attributes.request.resource
    if not hook.namespaces or not attributes.namespace:
        return True
    of_namespace = resource.qualified == "namespaces" and not attributes.request.subresource
    if of_namespace and attributes.object is not None:
        namespace = attributes.object  # what is stored is older, or not there yet
    else:
        namespace = lookup.get("namespaces", "", attributes.namespace)
    if namespace is None:
        raise errors.not_found(find("namespaces"), attributes.namespace)
    return selector.matches(hook.namespaces, namespace["metadata"].get("labels"))
