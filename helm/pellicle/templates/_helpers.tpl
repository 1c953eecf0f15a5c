{{- define "pellicle.labels" -}}
app.kubernetes.io/part-of: pellicle
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "pellicle.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Values that charts before did not have: `helm upgrade --reuse-values` brings a release's old ones, without these. */}}
{{- define "pellicle.addedValues" -}}
encryption:
  ipsec: {rotateEvery: "", rotateAtSequence: 0}
  strictMode: {egress: {enabled: false, cidr: ""}, ingress: {mode: enforce}}
allowedAddresses: []
nodeAddressCIDRs: []
cni: {statusGraceSeconds: 120}
image: {digest: ""}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{operator: Exists}]
affinity: {}
podAnnotations: {}
priorityClassName: system-node-critical
extraArgs: []
extraEnv: []
agent:
  prometheus: {enabled: false, port: 9879, peers: auto, serviceMonitor: false, rules: false, dashboard: false}
nodeIsolation: {enabled: true}
healthChecking: true
operator:
  nodeSelector: {kubernetes.io/os: linux}
  tolerations: [{operator: Exists}]
  affinity: {}
  podAnnotations: {}
  priorityClassName: system-cluster-critical
  extraArgs: []
  extraEnv: []
  removeNodeTaints: true
  setNodeTaintsAfter: ""
{{- end }}

{{- define "pellicle.fill" -}}
{{- $to := .to }}
{{- range $key, $value := .from }}
{{- if not (hasKey $to $key) }}{{ $_ := set $to $key $value }}
{{- else if and (ne $key "nodeSelector") (kindIs "map" $value) (kindIs "map" (get $to $key)) }}
{{- include "pellicle.fill" (dict "to" (get $to $key) "from" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Every template begins with it. Done twice it changes nothing. */}}
{{- define "pellicle.fillDefaults" -}}
{{- include "pellicle.fill" (dict "to" .Values "from" (include "pellicle.addedValues" . | fromYaml)) }}
{{- end }}

{{- /* Of the agent, or of .Values.operator. */}}
{{- define "pellicle.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The command of a container, extraArgs at its end. */}}
{{- define "pellicle.command" -}}
command:
  - {{ .program }}
  - --config
  - {{ .config }}
  {{- range .extraArgs }}
  - {{ . | quote }}
  {{- end }}
{{- end }}

{{- /* Entering pods' network namespaces and mounting are what AppArmor's default profile denies. A field since
       Kubernetes 1.30, an annotation before. */}}
{{- define "pellicle.appArmorIsField" -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end }}

{{- /* Not empty: the operator has to replace keys. */}}
{{- define "pellicle.rotates" -}}
{{- with .Values.encryption.ipsec }}{{ if or .rotateEvery .rotateAtSequence }}true{{ end }}{{ end -}}
{{- end }}

{{- /* Not empty: the operator has to change Nodes' start-up taint. */}}
{{- define "pellicle.taints" -}}
{{- with .Values.operator }}{{ if or .removeNodeTaints .setNodeTaintsAfter }}true{{ end }}{{ end -}}
{{- end }}

{{- /* Not empty: there is something for an operator to do. */}}
{{- define "pellicle.hasOperator" -}}
{{- if or (eq .Values.ipam.mode "cluster-pool") (include "pellicle.rotates" .) (include "pellicle.taints" .) }}true{{ end -}}
{{- end }}

{{- /* As config files of the programs have them: empty settings stand for their defaults. */}}
{{- define "pellicle.commonSettings" -}}
log-level = {{ ternary "debug" "info" .Values.debug.enabled | quote }}
{{- with .Values.k8sServiceHost }}
k8s-service-host = {{ . | quote }}
k8s-service-port = "{{ $.Values.k8sServicePort | int }}"
{{- end }}
{{- end }}

{{- /* What a container needs to work on its node's network: the agent's, and the cleanup's. */}}
{{- define "pellicle.nodeAccess" -}}
securityContext:
  privileged: false
  readOnlyRootFilesystem: true
  seccompProfile:
    type: Unconfined
  {{- if include "pellicle.appArmorIsField" . }}
  appArmorProfile:
    type: Unconfined
  {{- end }}
  seLinuxOptions:
    # What may enter other containers' namespaces and load eBPF programs.
    type: spc_t
    level: s0
  capabilities:
    drop: [ALL]
    add:
      # Links, routes, rules, XFRM, tc.
      - NET_ADMIN
      # ARP and neighbour advertisements for pods, iptables-legacy.
      - NET_RAW
      # Pods' network namespaces, eBPF. Holds BPF and PERFMON, which not every container
      # runtime knows.
      - SYS_ADMIN
      # Locked memory of eBPF maps before Linux 5.11.
      - SYS_RESOURCE
      # esp4, xfrm and iptables modules.
      - SYS_MODULE
      # Files that kubelet and the container runtime made for others than root.
      - DAC_OVERRIDE
volumeMounts:
  - name: state
    mountPath: /var/run/pellicle
  - name: bpf-fs
    mountPath: /sys/fs/bpf
    mountPropagation: HostToContainer
  - name: netns
    mountPath: /var/run/netns
    mountPropagation: HostToContainer
  - name: sysctl-net
    # /proc/sys itself is read-only in a container that is not privileged.
    mountPath: /host/proc/sys/net
  - name: cni-conf
    mountPath: {{ .Values.cni.confPath }}
  - name: cni-bin
    mountPath: {{ .Values.cni.binPath }}
  - name: xtables-lock
    mountPath: /run/xtables.lock
  - name: modules
    mountPath: /lib/modules
    readOnly: true
  - name: modprobe
    # Which modules the host forbids, and where.
    mountPath: /etc/modprobe.d
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end }}

{{- define "pellicle.nodeVolumes" -}}
- name: state
  hostPath:
    path: /var/run/pellicle
    type: DirectoryOrCreate
- name: bpf-fs
  hostPath:
    path: /sys/fs/bpf
    type: DirectoryOrCreate
- name: netns
  hostPath:
    path: /var/run/netns
    type: DirectoryOrCreate
- name: sysctl-net
  hostPath:
    path: /proc/sys/net
    type: Directory
- name: cni-conf
  hostPath:
    path: {{ .Values.cni.confPath }}
    type: DirectoryOrCreate
- name: cni-bin
  hostPath:
    path: {{ .Values.cni.binPath }}
    type: DirectoryOrCreate
- name: xtables-lock
  hostPath:
    path: /run/xtables.lock
    type: FileOrCreate
- name: modules
  hostPath:
    path: /lib/modules
- name: modprobe
  hostPath:
    path: /etc/modprobe.d
- name: tmp
  emptyDir: {}
{{- end }}

{{- /* Of the pods of `helm test`. */}}
{{- define "pellicle.testPod" -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 1
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
  - key: node-role.kubernetes.io/control-plane
    operator: Exists
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pellicle.testContainer" -}}
image: {{ include "pellicle.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  - name: POD_ADDRESSES
    valueFrom:
      fieldRef:
        fieldPath: status.podIPs
{{- end }}
