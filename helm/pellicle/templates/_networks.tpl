{{- /* Whether a text is a network without host bits, as the programs read it: empty when it is. */}}

{{- /* dict "value" NUMBER "bits" N "width" W: not empty when bits of a group behind the network's N are set. */}}
{{- define "pellicle.hostBits" -}}
{{- $size := 1 }}{{ range until (int (sub .width (max 0 (min .bits .width)))) }}{{ $size = mul $size 2 }}{{ end }}
{{- if mod .value $size }}set{{ end -}}
{{- end }}

{{- define "pellicle.notIPv4Network" -}}
{{- if not (regexMatch "^((0|[1-9][0-9]{0,2})[.]){3}(0|[1-9][0-9]{0,2})/[0-9]{1,2}$" .) }}form
{{- else }}
{{- $parts := splitList "/" . }}{{ $length := atoi (index $parts 1) }}
{{- if gt $length 32 }}length{{ end }}
{{- range $i, $octet := splitList "." (index $parts 0) }}
{{- if gt (atoi $octet) 255 }}octet{{ end }}
{{- include "pellicle.hostBits" (dict "value" (atoi $octet) "bits" (sub $length (mul 8 $i)) "width" 8) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The number that a group of hexadecimal digits stands for. */}}
{{- define "pellicle.group" -}}
{{- $value := 0 }}
{{- range splitList "" (lower .) }}
{{- $value = add (mul $value 16) (sub (len (regexFind (print "^[^" . "]*" .) "0123456789abcdef")) 1) }}
{{- end }}
{{- $value -}}
{{- end }}

{{- define "pellicle.notIPv6Network" -}}
{{- if not (regexMatch "^[0-9a-fA-F:]+/[0-9]{1,3}$" .) }}form
{{- else }}
{{- $parts := splitList "/" . }}{{ $length := atoi (index $parts 1) }}
{{- $halves := splitList "::" (index $parts 0) }}
{{- $groups := list }}{{ $tail := list }}
{{- with index $halves 0 }}{{ $groups = splitList ":" . }}{{ end }}
{{- if gt (len $halves) 1 }}{{ with index $halves 1 }}{{ $tail = splitList ":" . }}{{ end }}{{ end }}
{{- $missing := sub 8 (add (len $groups) (len $tail)) }}
{{- if or (gt (len $halves) 2) (gt $length 128) (and (eq (len $halves) 1) (ne $missing 0)) }}form{{ end }}
{{- if and (eq (len $halves) 2) (lt $missing 1) }}form{{ end }}
{{- range until (int (max 0 $missing)) }}{{ $groups = append $groups "0" }}{{ end }}
{{- range $i, $group := concat $groups $tail }}
{{- if not (regexMatch "^[0-9a-fA-F]{1,4}$" $group) }}group
{{- else }}
{{- $bits := sub $length (mul 16 $i) }}
{{- include "pellicle.hostBits" (dict "value" (include "pellicle.group" $group | atoi) "bits" $bits "width" 16) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* dict "name" VALUE'S-NAME "value" TEXT "families" LIST: ends with a sentence when it is none. */}}
{{- define "pellicle.checkNetwork" -}}
{{- $problem := "x" }}
{{- range .families }}
{{- if not (include (printf "pellicle.not%sNetwork" .) $.value) }}{{ $problem = "" }}{{ end }}
{{- end }}
{{- if $problem }}
{{- $example := ternary "fd00::/48" "10.0.0.0/8" (not (has "IPv4" .families)) }}
{{- fail (printf "%s: expected an %s network without host bits, such as %s; found '%s'" .name (join " or " .families) $example .value) }}
{{- end }}
{{- end }}
