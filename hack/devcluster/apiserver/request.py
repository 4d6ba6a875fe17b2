"""What one request to the API server is about: parsed once by the HTTP side, read by everything behind it."""

import dataclasses

from ..resources import Resource


@dataclasses.dataclass
class User:
    name: str
    groups: tuple = ()
    uid: str = ""
    extra: dict = dataclasses.field(default_factory=dict)

    def as_info(self):
        """UserInfo, as in an AdmissionReview and a TokenReview."""
        info = {"username": self.name, "groups": list(self.groups)}
        if self.uid:
            info["uid"] = self.uid
        if self.extra:
            info["extra"] = self.extra
        return info


@dataclasses.dataclass
class Request:
    verb: str  # get list watch create update patch delete deletecollection
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: dict = dataclasses.field(default_factory=dict)  # the last value of each parameter
    content_type: str = ""  # without parameters
    accept: str = ""
    body: bytes = b""  # as it was sent
    user: User | None = None
    agent: str = ""  # User-Agent
    warnings: list = dataclasses.field(default_factory=list)  # texts for Warning headers

    @property
    def dry_run(self):
        return self.query.get("dryRun") == "All"

    @property
    def manager(self):
        """The field manager of a write: the parameter, or the User-Agent up to its slash."""
        return self.query.get("fieldManager") or self.agent.split("/")[0] or "unknown"

    def about(self, metadata, **changes):
        """The same request about another object, given by its metadata."""
        namespace = metadata.get("namespace", "")
        return dataclasses.replace(self, namespace=namespace, name=metadata["name"], **changes)
