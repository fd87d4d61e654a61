{{- define "cogo.fullname" -}}
{{- if contains "cogo" .Release.Name }}{{ .Release.Name | trunc 40 }}{{ else }}{{ printf "%s-cogo" .Release.Name | trunc 40 }}{{ end }}
{{- end }}

{{- define "cogo.selector" -}}
app.kubernetes.io/name: cogo
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "cogo.labels" -}}
{{ include "cogo.selector" . }}
app.kubernetes.io/version: {{ include "cogo.tag" .root | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "cogo.tag" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- if not (regexMatch "^(dev-[0-9]{14}|v[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9a-f]{7,40})?)$" $tag) }}
{{- fail (printf "image.tag is '%s': use dev-YYYYMMDDHHmmss, vX.Y.Z or vX.Y.Z-COMMIT." $tag) }}
{{- end }}
{{- $tag }}
{{- end }}

{{- define "cogo.image" -}}
{{ .root.Values.image.registry }}{{ .name }}:{{ include "cogo.tag" .root }}
{{- end }}

{{- define "cogo.databaseHost" -}}
{{- if .Values.database.cloudNativePg.enabled }}{{ include "cogo.fullname" . }}-postgres-rw
{{- else }}{{ required "database.host is empty: name a Postgres 15 or later, or set database.cloudNativePg.enabled." .Values.database.host }}
{{- end }}
{{- end }}

{{- define "cogo.passwordSecret" -}}
{{- if .Values.database.passwordSecret.name }}{{ .Values.database.passwordSecret.name }}
{{- else if .Values.database.cloudNativePg.enabled }}{{ include "cogo.fullname" . }}-postgres-app
{{- else }}{{ required "database.passwordSecret.name is empty: name the Secret that holds the database's password." .Values.database.passwordSecret.name }}
{{- end }}
{{- end }}

{{- define "cogo.connection" -}}
Host={{ .host }};Port={{ .port }};Database={{ .root.Values.database.name }};Username={{ .root.Values.database.user }};SSL Mode={{ .ssl }};Maximum Pool Size={{ .root.Values.database.maxPoolSize }}{{ with .root.Values.database.extra }};{{ . }}{{ end }}
{{- end }}

{{- define "cogo.directConnection" -}}
{{ include "cogo.connection" (dict "root" . "host" (include "cogo.databaseHost" .) "port" (int .Values.database.port) "ssl" .Values.database.sslMode) }}
{{- end }}

{{/* Variables of every program; what a component sets itself goes before what all have. */}}
{{- define "cogo.environment" -}}
{{- $root := .root }}
{{- $all := merge (deepCopy (.own | default dict)) $root.Values.environment }}
{{- if .database }}
{{- if $root.Values.pgbouncer.enabled }}
- name: ConnectionStrings__cogo
  value: {{ include "cogo.connection" (dict "root" $root "host" (printf "%s-pgbouncer" (include "cogo.fullname" $root)) "port" 6432 "ssl" "Disable") | quote }}
- name: ConnectionStrings__cogo_listen
  value: {{ include "cogo.directConnection" $root | quote }}
{{- else }}
- name: ConnectionStrings__cogo
  value: {{ include "cogo.directConnection" $root | quote }}
{{- end }}
- name: ARTIFACTS_BASE
  value: /app/artifacts
{{- with $root.Values.artifacts.s3 }}
{{- if .bucket }}
- name: ARTIFACTS_S3_BUCKET
  value: {{ .bucket | quote }}
- name: ARTIFACTS_S3_ENDPOINT
  value: {{ .endpoint | quote }}
- name: ARTIFACTS_S3_PUBLIC_ENDPOINT
  value: {{ .publicEndpoint | quote }}
- name: ARTIFACTS_S3_REGION
  value: {{ .region | quote }}
- name: ARTIFACTS_S3_PREFIX
  value: {{ .prefix | quote }}
- name: ARTIFACTS_S3_PATH_STYLE
  value: {{ .pathStyle | quote }}
- name: ARTIFACTS_LINK_MINUTES
  value: {{ .linkMinutes | quote }}
{{- end }}
{{- end }}
{{- end }}
- name: OTEL_SERVICE_NAME
  value: {{ .component }}
{{- with $root.Values.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := $all }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "cogo.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1654
  runAsGroup: 1654
  fsGroup: 1654
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "cogo.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Secrets as files called like the variables; /tmp, since nothing else can be written. */}}
{{- define "cogo.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "cogo.passwordSecret" . }}
          items: [{ key: {{ .Values.database.passwordSecret.key }}, path: COGO_DATABASE_PASSWORD }]
{{- with .Values.artifacts.s3 }}
{{- if and .bucket .secret.name }}
      - secret:
          name: {{ .secret.name }}
          items:
            - { key: {{ .secret.accessKeyIdKey }}, path: ARTIFACTS_S3_ACCESS_KEY_ID }
            - { key: {{ .secret.secretAccessKeyKey }}, path: ARTIFACTS_S3_SECRET_ACCESS_KEY }
{{- end }}
{{- end }}
{{- range .Values.secrets }}
      - secret:
          name: {{ .name }}
          items: [{ key: {{ .key }}, path: {{ .variable }} }]
{{- end }}
- name: tmp
  emptyDir: {}
{{- end }}

{{- define "cogo.mounts" -}}
- name: secrets
  mountPath: /run/secrets
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{/* A folder that all share, where artifacts are not in S3. */}}
{{- define "cogo.artifactsVolume" -}}
{{- if not .Values.artifacts.s3.bucket }}
- name: artifacts
  persistentVolumeClaim:
    claimName: {{ .Values.artifacts.existingClaim | default (printf "%s-artifacts" (include "cogo.fullname" .)) }}
{{- end }}
{{- end }}

{{- define "cogo.artifactsMount" -}}
{{- if not .Values.artifacts.s3.bucket }}
- name: artifacts
  mountPath: /app/artifacts
{{- end }}
{{- end }}

{{/* Holds a new version back until its schema is there. */}}
{{- define "cogo.waitForSchema" -}}
- name: wait-for-schema
  image: {{ include "cogo.image" (dict "root" . "name" "cogo-cli") }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [migrate, --wait, "300"]
  env: {{ include "cogo.environment" (dict "root" . "component" "migrate" "database" true) | nindent 4 }}
  volumeMounts: {{ include "cogo.mounts" . | nindent 4 }}
  resources: {{ toYaml .Values.migration.resources | nindent 4 }}
  {{ include "cogo.containerSecurity" . | nindent 2 | trim }}
{{- end }}
