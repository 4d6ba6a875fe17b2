"""The fields of the messages that clients send as protobuf: number, name and type.

A type is "" for a string, "?" marks what may be absent: elsewhere a zero is as good as nothing. What is not
here (volumes of clouds, Windows, devices) cannot be read from protobuf. Source: generated.proto of k8s.io/api
1.36.
"""

TABLE = """
Affinity: 1 nodeAffinity:NodeAffinity, 2 podAffinity:PodAffinity, 3 podAntiAffinity:PodAntiAffinity
AggregationRule: 1 clusterRoleSelectors:[LabelSelector]
BoundObjectReference: 1 kind, 2 apiVersion, 3 name, 4 uID
Capabilities: 1 add:[], 2 drop:[]
ClusterRole: 1 metadata:ObjectMeta, 2 rules:[PolicyRule], 3 aggregationRule:AggregationRule
ClusterRoleBinding: 1 metadata:ObjectMeta, 2 subjects:[Subject], 3 roleRef:RoleRef
ConfigMap: 1 metadata:ObjectMeta, 4 immutable:bool?, 2 data:{}, 3 binaryData:{bytes}
ConfigMapEnvSource: 1 localObjectReference:LocalObjectReference, 2 optional:bool?
ConfigMapKeySelector: 1 localObjectReference:LocalObjectReference, 2 key, 3 optional:bool?
ConfigMapProjection: 1 localObjectReference:LocalObjectReference, 2 items:[KeyToPath], 4 optional:bool?
ConfigMapVolumeSource: 1 localObjectReference:LocalObjectReference, 2 items:[KeyToPath], 3 defaultMode:int?,
    4 optional:bool?
Container: 1 name, 2 image, 3 command:[], 4 args:[], 5 workingDir, 6 ports:[ContainerPort],
    19 envFrom:[EnvFromSource], 7 env:[EnvVar], 8 resources:ResourceRequirements,
    23 resizePolicy:[ContainerResizePolicy], 24 restartPolicy, 9 volumeMounts:[VolumeMount],
    10 livenessProbe:Probe, 11 readinessProbe:Probe, 22 startupProbe:Probe, 12 lifecycle:Lifecycle,
    13 terminationMessagePath, 20 terminationMessagePolicy, 14 imagePullPolicy,
    15 securityContext:SecurityContext, 16 stdin:bool, 17 stdinOnce:bool, 18 tty:bool
ContainerPort: 1 name, 2 hostPort:int, 3 containerPort:int, 4 protocol, 5 hostIP
ContainerResizePolicy: 1 resourceName, 2 restartPolicy
CronJob: 1 metadata:ObjectMeta, 2 spec:CronJobSpec, 3 status:skip
CronJobSpec: 1 schedule, 8 timeZone, 2 startingDeadlineSeconds:int?, 3 concurrencyPolicy, 4 suspend:bool?,
    5 jobTemplate:JobTemplateSpec, 6 successfulJobsHistoryLimit:int?, 7 failedJobsHistoryLimit:int?
DeleteOptions: 1 gracePeriodSeconds:int?, 2 preconditions:Preconditions, 3 orphanDependents:bool?,
    4 propagationPolicy, 5 dryRun:[], 6 ignoreStoreReadErrorWithClusterBreakingPotential:bool?
Deployment: 1 metadata:ObjectMeta, 2 spec:DeploymentSpec, 3 status:skip
DeploymentSpec: 1 replicas:int?, 2 selector:LabelSelector, 3 template:PodTemplateSpec,
    4 strategy:DeploymentStrategy, 5 minReadySeconds:int, 6 revisionHistoryLimit:int?, 7 paused:bool,
    9 progressDeadlineSeconds:int?
DeploymentStrategy: 1 type, 2 rollingUpdate:RollingUpdateDeployment
DownwardAPIVolumeFile: 1 path, 2 fieldRef:ObjectFieldSelector, 3 resourceFieldRef:ResourceFieldSelector,
    4 mode:int?
DownwardAPIVolumeSource: 1 items:[DownwardAPIVolumeFile], 2 defaultMode:int?
EmptyDirVolumeSource: 1 medium, 2 sizeLimit:Quantity
EnvFromSource: 1 prefix, 2 configMapRef:ConfigMapEnvSource, 3 secretRef:SecretEnvSource
EnvVar: 1 name, 2 value, 3 valueFrom:EnvVarSource
EnvVarSource: 1 fieldRef:ObjectFieldSelector, 2 resourceFieldRef:ResourceFieldSelector,
    3 configMapKeyRef:ConfigMapKeySelector, 4 secretKeyRef:SecretKeySelector
Eviction: 1 metadata:ObjectMeta, 2 deleteOptions:DeleteOptions
ExecAction: 1 command:[]
FieldSelectorAttributes: 1 rawSelector, 2 requirements:[FieldSelectorRequirement]
FieldSelectorRequirement: 1 key, 2 operator, 3 values:[]
HTTPGetAction: 1 path, 2 port:IntOrString, 3 host, 4 scheme, 5 httpHeaders:[HTTPHeader]
HTTPHeader: 1 name, 2 value
HostAlias: 1 ip, 2 hostnames:[]
HostPathVolumeSource: 1 path, 2 type
Job: 1 metadata:ObjectMeta, 2 spec:JobSpec, 3 status:skip
JobSpec: 1 parallelism:int?, 2 completions:int?, 3 activeDeadlineSeconds:int?, 7 backoffLimit:int?,
    12 backoffLimitPerIndex:int?, 13 maxFailedIndexes:int?, 4 selector:LabelSelector,
    5 manualSelector:bool?, 6 template:PodTemplateSpec, 8 ttlSecondsAfterFinished:int?, 9 completionMode,
    10 suspend:bool?, 14 podReplacementPolicy, 15 managedBy
JobTemplateSpec: 1 metadata:ObjectMeta, 2 spec:JobSpec
KeyToPath: 1 key, 2 path, 3 mode:int?
LabelSelector: 1 matchLabels:{}, 2 matchExpressions:[LabelSelectorRequirement]
LabelSelectorAttributes: 1 rawSelector, 2 requirements:[LabelSelectorRequirement]
LabelSelectorRequirement: 1 key, 2 operator, 3 values:[]
Lease: 1 metadata:ObjectMeta, 2 spec:LeaseSpec
LeaseSpec: 1 holderIdentity, 2 leaseDurationSeconds:int?, 3 acquireTime:MicroTime, 4 renewTime:MicroTime,
    5 leaseTransitions:int?, 6 strategy, 7 preferredHolder
Lifecycle: 1 postStart:LifecycleHandler, 2 preStop:LifecycleHandler, 3 stopSignal
LifecycleHandler: 1 exec:ExecAction, 2 httpGet:HTTPGetAction, 3 tcpSocket:TCPSocketAction,
    4 sleep:SleepAction
LocalObjectReference: 1 name
ManagedFieldsEntry: 1 manager, 2 operation, 3 apiVersion, 4 time:Time, 6 fieldsType, 7 fieldsV1:FieldsV1,
    8 subresource
Namespace: 1 metadata:ObjectMeta, 2 spec:NamespaceSpec, 3 status:skip
NamespaceSpec: 1 finalizers:[]
NodeAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:NodeSelector,
    2 preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]
NodeSelector: 1 nodeSelectorTerms:[NodeSelectorTerm]
NodeSelectorRequirement: 1 key, 2 operator, 3 values:[]
NodeSelectorTerm: 1 matchExpressions:[NodeSelectorRequirement], 2 matchFields:[NodeSelectorRequirement]
NonResourceAttributes: 1 path, 2 verb
NonResourceRule: 1 verbs:[], 2 nonResourceURLs:[]
ObjectFieldSelector: 1 apiVersion, 2 fieldPath
ObjectMeta: 1 name, 2 generateName, 3 namespace, 4 selfLink, 5 uid, 6 resourceVersion, 7 generation:int,
    8 creationTimestamp:Time, 9 deletionTimestamp:Time, 10 deletionGracePeriodSeconds:int?, 11 labels:{},
    12 annotations:{}, 13 ownerReferences:[OwnerReference], 14 finalizers:[],
    17 managedFields:[ManagedFieldsEntry]
ObjectReference: 1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion, 7 fieldPath
OwnerReference: 5 apiVersion, 1 kind, 3 name, 4 uid, 6 controller:bool?, 7 blockOwnerDeletion:bool?
PersistentVolumeClaimVolumeSource: 1 claimName, 2 readOnly:bool
Pod: 1 metadata:ObjectMeta, 2 spec:PodSpec, 3 status:skip
PodAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm],
    2 preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
PodAffinityTerm: 1 labelSelector:LabelSelector, 2 namespaces:[], 3 topologyKey,
    4 namespaceSelector:LabelSelector, 5 matchLabelKeys:[], 6 mismatchLabelKeys:[]
PodAntiAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm],
    2 preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
PodDisruptionBudget: 1 metadata:ObjectMeta, 2 spec:PodDisruptionBudgetSpec, 3 status:skip
PodDisruptionBudgetSpec: 1 minAvailable:IntOrString, 2 selector:LabelSelector, 3 maxUnavailable:IntOrString,
    4 unhealthyPodEvictionPolicy
PodReadinessGate: 1 conditionType
PodSchedulingGate: 1 name
PodSecurityContext: 2 runAsUser:int?, 6 runAsGroup:int?, 3 runAsNonRoot:bool?, 4 supplementalGroups:[int],
    12 supplementalGroupsPolicy, 5 fsGroup:int?, 9 fsGroupChangePolicy, 10 seccompProfile:SeccompProfile,
    13 seLinuxChangePolicy
PodSpec: 1 volumes:[Volume], 20 initContainers:[Container], 2 containers:[Container], 3 restartPolicy,
    4 terminationGracePeriodSeconds:int?, 5 activeDeadlineSeconds:int?, 6 dnsPolicy, 7 nodeSelector:{},
    8 serviceAccountName, 9 serviceAccount, 21 automountServiceAccountToken:bool?, 10 nodeName,
    11 hostNetwork:bool, 12 hostPID:bool, 13 hostIPC:bool, 27 shareProcessNamespace:bool?,
    14 securityContext:PodSecurityContext, 15 imagePullSecrets:[LocalObjectReference], 16 hostname,
    17 subdomain, 18 affinity:Affinity, 19 schedulerName, 22 tolerations:[Toleration],
    23 hostAliases:[HostAlias], 24 priorityClassName, 25 priority:int?,
    28 readinessGates:[PodReadinessGate], 29 runtimeClassName, 30 enableServiceLinks:bool?,
    31 preemptionPolicy, 32 overhead:{Quantity}, 33 topologySpreadConstraints:[TopologySpreadConstraint],
    35 setHostnameAsFQDN:bool?, 37 hostUsers:bool?, 38 schedulingGates:[PodSchedulingGate],
    40 resources:ResourceRequirements, 41 hostnameOverride
PodTemplateSpec: 1 metadata:ObjectMeta, 2 spec:PodSpec
PolicyRule: 1 verbs:[], 2 apiGroups:[], 3 resources:[], 4 resourceNames:[], 5 nonResourceURLs:[]
Preconditions: 1 uid, 2 resourceVersion
PreferredSchedulingTerm: 1 weight:int, 2 preference:NodeSelectorTerm
PriorityClass: 1 metadata:ObjectMeta, 2 value:int, 3 globalDefault:bool, 4 description, 5 preemptionPolicy
Probe: 1 handler:ProbeHandler, 2 initialDelaySeconds:int, 3 timeoutSeconds:int, 4 periodSeconds:int,
    5 successThreshold:int, 6 failureThreshold:int, 7 terminationGracePeriodSeconds:int?
ProbeHandler: 1 exec:ExecAction, 2 httpGet:HTTPGetAction, 3 tcpSocket:TCPSocketAction
ProjectedVolumeSource: 1 sources:[VolumeProjection], 2 defaultMode:int?
ResourceAttributes: 1 namespace, 2 verb, 3 group, 4 version, 5 resource, 6 subresource, 7 name,
    8 fieldSelector:FieldSelectorAttributes, 9 labelSelector:LabelSelectorAttributes
ResourceFieldSelector: 1 containerName, 2 resource, 3 divisor:Quantity
ResourceRequirements: 1 limits:{Quantity}, 2 requests:{Quantity}
ResourceRule: 1 verbs:[], 2 apiGroups:[], 3 resources:[], 4 resourceNames:[]
Role: 1 metadata:ObjectMeta, 2 rules:[PolicyRule]
RoleBinding: 1 metadata:ObjectMeta, 2 subjects:[Subject], 3 roleRef:RoleRef
RoleRef: 1 apiGroup, 2 kind, 3 name
RollingUpdateDeployment: 1 maxUnavailable:IntOrString, 2 maxSurge:IntOrString
SeccompProfile: 1 type, 2 localhostProfile
Secret: 1 metadata:ObjectMeta, 5 immutable:bool?, 2 data:{bytes}, 4 stringData:{}, 3 type
SecretEnvSource: 1 localObjectReference:LocalObjectReference, 2 optional:bool?
SecretKeySelector: 1 localObjectReference:LocalObjectReference, 2 key, 3 optional:bool?
SecretProjection: 1 localObjectReference:LocalObjectReference, 2 items:[KeyToPath], 4 optional:bool?
SecretVolumeSource: 1 secretName, 2 items:[KeyToPath], 3 defaultMode:int?, 4 optional:bool?
SecurityContext: 1 capabilities:Capabilities, 2 privileged:bool?, 4 runAsUser:int?, 8 runAsGroup:int?,
    5 runAsNonRoot:bool?, 6 readOnlyRootFilesystem:bool?, 7 allowPrivilegeEscalation:bool?, 9 procMount,
    11 seccompProfile:SeccompProfile
SelfSubjectAccessReview: 1 metadata:ObjectMeta, 2 spec:SelfSubjectAccessReviewSpec,
    3 status:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec: 1 resourceAttributes:ResourceAttributes,
    2 nonResourceAttributes:NonResourceAttributes
SelfSubjectReview: 1 metadata:ObjectMeta, 2 status:skip
SelfSubjectRulesReview: 1 metadata:ObjectMeta, 2 spec:SelfSubjectRulesReviewSpec,
    3 status:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec: 1 namespace
Service: 1 metadata:ObjectMeta, 2 spec:ServiceSpec, 3 status:skip
ServiceAccount: 1 metadata:ObjectMeta, 2 secrets:[ObjectReference],
    3 imagePullSecrets:[LocalObjectReference], 4 automountServiceAccountToken:bool?
ServiceAccountTokenProjection: 1 audience, 2 expirationSeconds:int?, 3 path
ServicePort: 1 name, 2 protocol, 6 appProtocol, 3 port:int, 4 targetPort:IntOrString, 5 nodePort:int
ServiceSpec: 1 ports:[ServicePort], 2 selector:{}, 3 clusterIP, 18 clusterIPs:[], 4 type, 5 externalIPs:[],
    7 sessionAffinity, 8 loadBalancerIP, 9 loadBalancerSourceRanges:[], 10 externalName,
    11 externalTrafficPolicy, 12 healthCheckNodePort:int, 13 publishNotReadyAddresses:bool,
    19 ipFamilies:[], 17 ipFamilyPolicy, 20 allocateLoadBalancerNodePorts:bool?, 21 loadBalancerClass,
    22 internalTrafficPolicy, 23 trafficDistribution
SleepAction: 1 seconds:int
Subject: 1 kind, 2 apiGroup, 3 name, 4 namespace
SubjectAccessReview: 1 metadata:ObjectMeta, 2 spec:SubjectAccessReviewSpec,
    3 status:SubjectAccessReviewStatus
SubjectAccessReviewSpec: 1 resourceAttributes:ResourceAttributes,
    2 nonResourceAttributes:NonResourceAttributes, 3 user, 4 groups:[], 6 uid
SubjectAccessReviewStatus: 1 allowed:bool, 4 denied:bool, 2 reason, 3 evaluationError
SubjectRulesReviewStatus: 1 resourceRules:[ResourceRule], 2 nonResourceRules:[NonResourceRule],
    3 incomplete:bool, 4 evaluationError
TCPSocketAction: 1 port:IntOrString, 2 host
TokenRequest: 1 metadata:ObjectMeta, 2 spec:TokenRequestSpec, 3 status:TokenRequestStatus
TokenRequestSpec: 1 audiences:[], 4 expirationSeconds:int?, 3 boundObjectRef:BoundObjectReference
TokenRequestStatus: 1 token, 2 expirationTimestamp:Time
Toleration: 1 key, 2 operator, 3 value, 4 effect, 5 tolerationSeconds:int?
TopologySpreadConstraint: 1 maxSkew:int, 2 topologyKey, 3 whenUnsatisfiable, 4 labelSelector:LabelSelector,
    5 minDomains:int?, 6 nodeAffinityPolicy, 7 nodeTaintsPolicy, 8 matchLabelKeys:[]
Volume: 1 name, 2 volumeSource:VolumeSource
VolumeMount: 1 name, 2 readOnly:bool, 7 recursiveReadOnly, 3 mountPath, 4 subPath, 5 mountPropagation,
    6 subPathExpr
VolumeProjection: 1 secret:SecretProjection, 3 configMap:ConfigMapProjection,
    4 serviceAccountToken:ServiceAccountTokenProjection
VolumeSource: 1 hostPath:HostPathVolumeSource, 2 emptyDir:EmptyDirVolumeSource, 6 secret:SecretVolumeSource,
    10 persistentVolumeClaim:PersistentVolumeClaimVolumeSource, 16 downwardAPI:DownwardAPIVolumeSource,
    19 configMap:ConfigMapVolumeSource, 26 projected:ProjectedVolumeSource
WeightedPodAffinityTerm: 1 weight:int, 2 podAffinityTerm:PodAffinityTerm
"""


def _parsed():
    """{message: {number: (name, type)}}"""
    messages = {}
    for line in TABLE.replace(",\n    ", ", ").strip().splitlines():
        message, _, fields = line.partition(": ")
        messages[message] = {}
        for field in fields.split(", "):
            number, _, named = field.partition(" ")
            name, _, kind = named.partition(":")
            messages[message][int(number)] = (name, kind)
    return messages


MESSAGES = _parsed()
