{{- /* The name of all objects. A CronJob's is at most 52 characters long, as its Jobs and pods add to it; and one less
where the pods of a Job have numbers of two digits. */}}
{{- define "steerer.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 51 | trimSuffix "-" }}
{{- end }}

{{- define "steerer.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "steerer.labels" -}}
{{ include "steerer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "steerer.account" -}}
{{- $default := ternary (include "steerer.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{- define "steerer.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The interval in seconds; the schema has made sure that it is one. */}}
{{- define "steerer.interval" -}}
{{- $unit := regexFind "[smh]$" .Values.controlLoopInterval }}
{{- mul (trimSuffix $unit .Values.controlLoopInterval | atoi) (get (dict "s" 1 "m" 60 "h" 3600) $unit) }}
{{- end }}

{{- /* How long it is from one Job to the next, in seconds: a CronJob starts none more often than each minute. */}}
{{- define "steerer.period" -}}
{{- max (include "steerer.interval" . | atoi) 60 }}
{{- end }}

{{- define "steerer.schedule" -}}
{{- $minutes := div (include "steerer.period" . | atoi) 60 }}
{{- if eq $minutes 1440 }}0 0 * * *
{{- else if gt $minutes 60 }}0 */{{ div $minutes 60 }} * * *
{{- else if eq $minutes 60 }}0 * * * *
{{- else if gt $minutes 1 }}*/{{ $minutes }} * * * *
{{- else }}* * * * *
{{- end }}
{{- end }}

{{- /* A Job is over before the next one is due, however long it waited for a node or an image. */}}
{{- define "steerer.deadline" -}}
{{- min (sub (include "steerer.period" . | atoi) 2) 300 }}
{{- end }}

{{- define "steerer.passTimeout" -}}
{{- $most := sub (min (include "steerer.interval" . | atoi) (sub (include "steerer.deadline" .) 6)) 2 }}
{{- $seconds := default (min 50 $most) (trimSuffix "s" .Values.passTimeout) | int }}
{{- if gt $seconds (int $most) }}
{{- fail (printf "passTimeout: %ds is too long: with a controlLoopInterval of %s a pass may take %ds at most, to be over before the next one" $seconds .Values.controlLoopInterval $most) }}
{{- end }}
{{- $seconds }}s
{{- end }}

{{- define "steerer.shards" -}}
{{- if and (gt (int .Values.shards) 1) (semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version) }}
{{- fail (printf "shards: more than 1 needs Kubernetes 1.29 or later, this is %s: before, a shard that fails ends the others" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- int .Values.shards }}
{{- end }}

{{- define "steerer.scope" -}}
{{- if .Values.namespaces -}}
- --namespace={{ join "," .Values.namespaces }}
{{- else -}}
- --all-namespaces
{{- end }}
{{- end }}

{{- /* What a command has to know to ask Prometheus. */}}
{{- define "steerer.metricsArgs" -}}
{{- with .Values.metricsServer }}
- --metrics-server={{ . }}
{{- end }}
{{- if .Values.metricsAuth.tokenKey }}
- --metrics-token-file=/etc/steerer/metrics/token
{{- end }}
{{- if .Values.metricsAuth.caKey }}
- --metrics-ca-file=/etc/steerer/metrics/ca.crt
{{- end }}
{{- if .Values.metricTemplates.configMapName }}
- --templates=/etc/steerer/templates
{{- end }}
{{- end }}

{{- /* The pod of a Job or a test, without what it runs: (list $ "name of the template with its args"). */}}
{{- define "steerer.podSpec" }}
{{- $args := index . 1 }}
{{- with index . 0 }}
{{- $auth := .Values.metricsAuth }}
{{- $keys := list $auth.tokenKey $auth.caKey $auth.headersKey | compact }}
{{- if and $auth.secretName (not $keys) }}
{{- fail "metricsAuth: secretName is given and none of tokenKey, caKey, headersKey: nothing of the Secret would be used" }}
{{- end }}
{{- if and $keys (not $auth.secretName) }}
{{- fail "metricsAuth: tokenKey, caKey or headersKey is given and no secretName: name the Secret that has it" }}
{{- end }}
serviceAccountName: {{ include "steerer.account" . }}
automountServiceAccountToken: true
restartPolicy: Never
terminationGracePeriodSeconds: 15
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
containers:
  - name: steerer
    image: {{ include "steerer.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      {{- include $args . | trim | replace "\n\n" "\n" | nindent 6 }}
    {{- if or $auth.headersKey .Values.env }}
    env:
      {{- if $auth.headersKey }}
      - name: STEERER_METRICS_HEADER
        valueFrom:
          secretKeyRef:
            name: {{ $auth.secretName }}
            key: {{ $auth.headersKey }}
      {{- end }}
      {{- with .Values.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- end }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    {{- if or $auth.tokenKey $auth.caKey .Values.metricTemplates.configMapName .Values.notify.secretName }}
    volumeMounts:
      {{- if or $auth.tokenKey $auth.caKey }}
      - name: metrics
        mountPath: /etc/steerer/metrics
        readOnly: true
      {{- end }}
      {{- if .Values.metricTemplates.configMapName }}
      - name: templates
        mountPath: /etc/steerer/templates
        readOnly: true
      {{- end }}
      {{- if .Values.notify.secretName }}
      - name: notify
        mountPath: /etc/steerer/notify
        readOnly: true
      {{- end }}
    {{- end }}
{{- if or $auth.tokenKey $auth.caKey .Values.metricTemplates.configMapName .Values.notify.secretName }}
volumes:
  {{- if or $auth.tokenKey $auth.caKey }}
  - name: metrics
    secret:
      secretName: {{ $auth.secretName }}
      defaultMode: 0440
      items:
        {{- with $auth.tokenKey }}
        - key: {{ . }}
          path: token
        {{- end }}
        {{- with $auth.caKey }}
        - key: {{ . }}
          path: ca.crt
        {{- end }}
  {{- end }}
  {{- with .Values.metricTemplates.configMapName }}
  - name: templates
    configMap:
      name: {{ . }}
  {{- end }}
  {{- with .Values.notify }}
  {{- if .secretName }}
  - name: notify
    secret:
      secretName: {{ .secretName }}
      defaultMode: 0440
      # Without the Secret nobody is told, and releases go on.
      optional: true
      items:
        - key: {{ .key }}
          path: url
  {{- end }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "steerer.podMetadata" -}}
labels:
  {{- $own := include "steerer.labels" . | fromYaml }}
  {{- toYaml (merge (dict) .Values.podLabels $own (dict "sidecar.istio.io/inject" "false")) | nindent 2 }}
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
