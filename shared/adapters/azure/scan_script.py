"""What a scan's run prints, as the programs that print it: a template of Trivy's, and scripts for bash.

A template of Trivy's sees what was looked at and what was found, and nothing else of a report; so a script reads the
rest out of the report itself, by the indentation that Trivy writes it with. Nothing of the image gets into the log but
in quotes, in printable ASCII, and shortened: paths and names of packages may have line ends, terminal escapes and any
length, and ACR's engine drops all that follows a line of 64 KiB. How it is read: ``shared.domain.scan.run_log``.
What another scanner wrote is not looked into: the whole of it is packed.

Functions of templates: https://trivy.dev/docs/latest/guide/configuration/reporting/#template
"""

from __future__ import annotations

from collections.abc import Sequence

FOLDER = "/workspace/tidegate"
# The most that a run prints of findings, and of packages, in bytes; a log of a megabyte is read as a whole. Of many
# platforms each has its part. Packages for which there is no room are not listed at all: half a list is none.
_MOST_OF_ONE, _MOST_OF_ALL = 192 * 1024, 640 * 1024
_LIST_OF_ONE, _LIST_OF_ALL = 192 * 1024, 256 * 1024

# The most severe come first, and of those what can be mended: what there is no room for is counted, and blocks least.
_ROWS = r"""
{{- define "finding" -}}
{{- $s := .state -}}{{- $f := .finding -}}
{{- $severity := "-" -}}{{- $known := list "CRITICAL" "HIGH" "MEDIUM" "LOW" "UNKNOWN" -}}
{{- if has $f.Severity $known -}}{{- $severity = trunc 1 $f.Severity -}}{{- end -}}
{{- if eq $severity .severity -}}
{{- $status := trimAll "\"" (toJson $f.Status) -}}
{{- $unfixed := list "not_affected" "affected" "under_investigation" "will_not_fix" "fix_deferred" "end_of_life" -}}
{{- $fix := "+" -}}{{- if and (not $f.FixedVersion) (has $status $unfixed) -}}{{- $fix = "-" -}}{{- end -}}
{{- if eq $fix .fix -}}
{{- $place := "" -}}{{- if ne .class "os-pkgs" -}}{{- $place = .target -}}{{- end -}}
{{- if $f.PkgPath -}}{{- $place = $f.PkgPath -}}{{- end -}}
{{- $purl := "" -}}{{- if $f.PkgIdentifier.PURL -}}{{- $purl = $f.PkgIdentifier.PURL.String -}}{{- end -}}
{{- $q := list -}}
{{- range list $f.PkgName $f.InstalledVersion $place $purl $f.VulnerabilityID $f.FixedVersion .suppressed -}}
{{- $text := toString . -}}
{{- if gt (len $text) 300 -}}
{{- $text = printf "%.80s... (%d bytes, SHA-256 %s)" $text (len $text) (sha256sum $text) -}}
{{- end -}}
{{- $q = append $q (printf "%+q" $text) -}}
{{- end -}}
{{- $package := printf "p %s %s %s %s" (index $q 0) (index $q 1) (index $q 2) (index $q 3) -}}
{{- $found := printf " f %s %s %s %s" $severity $status (index $q 4) (index $q 5) -}}
{{- if .suppressed -}}
{{- $found = printf " s %s %s %s %s %s" $severity $status (index $q 4) (index $q 5) (index $q 6) -}}
{{- end -}}
{{- $begin := "" -}}
{{- if gt (add $s.line (len $package) (len $found)) 8000 -}}{{- $begin = printf "\n%s" $package -}}
{{- else if ne $package $s.package -}}{{- $begin = printf " %s" $package -}}{{- end -}}
{{- $size := add (len $begin) (len $found) -}}
{{- if or $s.full (gt (add $s.used $size) @MOST@) -}}
{{- $key := printf "%s%s" $severity $fix -}}
{{- $_ := set $s "full" true -}}
{{- $_ := set $s.left $key (add (get $s.left $key | default 0) 1) -}}
{{- else -}}
{{- if hasPrefix "\n" $begin -}}{{- $_ := set $s "line" 0 -}}{{- end -}}
{{- $_ := set $s "line" (add $s.line $size) -}}
{{- $_ := set $s "used" (add $s.used $size) -}}
{{- $_ := set $s "listed" (add $s.listed 1) -}}
{{- $_ := set $s "package" $package -}}
{{- $begin -}}{{- $found -}}
{{- end -}}
{{- end -}}{{- end -}}
{{- end -}}
{{- define "package" -}}
{{- $l := .list -}}{{- $p := fromJson (toJson .package) -}}
{{- $purl := toString (get (default dict $p.Identifier) "PURL") -}}
{{- $from := toString (get (default dict $p.Repository) "Class") -}}
{{- if ne $from "third-party" -}}
{{- if or (not $purl) (get $p "Modularitylabel") (get $p "BuildInfo") -}}{{- $_ := set $l "why" "odd" -}}{{- end -}}
{{- $parts := splitn "?" 2 $purl -}}{{- $base := regexFind "[^/]*$" $parts._0 -}}
{{- $group := printf "%+q %+q" (trimSuffix $base $parts._0) (toString (default "" $parts._1)) -}}
{{- $version := printf "%v %v %v" (get $p "Epoch") (get $p "Version") (get $p "Release") -}}
{{- $of := printf "%v %v %v" (get $p "SrcEpoch") (get $p "SrcVersion") (get $p "SrcRelease") -}}
{{- $name := toString (get $p "SrcName") -}}
{{- $row := printf "%+q" $base -}}
{{- if $name -}}
{{- if ne $version $of -}}
{{- $full := toString (get $p "SrcVersion") -}}
{{- if get $p "SrcRelease" -}}{{- $full = printf "%s-%s" $full (toString (get $p "SrcRelease")) -}}{{- end -}}
{{- if get $p "SrcEpoch" -}}{{- $full = printf "%v:%s" (get $p "SrcEpoch") $full -}}{{- end -}}
{{- $row = printf "%s %+q %+q" $row $name $full -}}
{{- else if not (hasPrefix (printf "%s@" $name) $base) -}}{{- $row = printf "%s %+q" $row $name -}}{{- end -}}
{{- end -}}
{{- $begin := "" -}}
{{- if not (hasKey $l.groups $group) -}}
{{- $_ := set $l.groups $group (add 1 (len $l.groups)) -}}
{{- $begin = printf " g %d %s" (get $l.groups $group) $group -}}
{{- end -}}
{{- $row = printf "%s %d %s" $begin (get $l.groups $group) $row -}}
{{- if not (hasKey $l.seen $row) -}}
{{- $_ := set $l.seen $row true -}}
{{- if gt (len $row) 2000 -}}{{- $_ := set $l "why" "odd" -}}{{- end -}}
{{- if gt (add $l.line (len $row)) 8000 -}}
{{- $_ := set $l "line" 0 -}}{{- if .tell -}}{{- printf "\nlist" -}}{{- end -}}
{{- end -}}
{{- $_ := set $l "line" (add $l.line (len $row)) -}}
{{- $_ := set $l "used" (add $l.used (len $row)) -}}
{{- $_ := set $l "listed" (add $l.listed 1) -}}
{{- if .tell -}}{{- $row -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $class := list "os-pkgs" "lang-pkgs" "" -}}
{{- $results := 0 -}}{{- $packages := 0 -}}{{- $findings := 0 -}}
{{- range $ -}}
{{- $of := toString .Class -}}{{- if not (has $of (list "os-pkgs" "lang-pkgs")) -}}{{- $of = "" -}}{{- end -}}
{{- if eq $of $class -}}
{{- $results = add $results 1 -}}
{{- $packages = add $packages (len .Packages) -}}
{{- $findings = add $findings (len .Vulnerabilities) -}}
{{- range .ModifiedFindings -}}
{{- if eq (toString .Type) "vulnerability" -}}{{- $findings = add $findings 1 -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- printf "count %s %d %d %d\n" ($class | default "others") $results $packages $findings -}}
{{- end -}}
{{- $s := dict "used" 0 "line" 9000 "listed" 0 "package" "" "full" false "left" dict -}}
{{- range $severity := list "-" "C" "H" "M" "L" "U" -}}{{- range $fix := list "+" "-" -}}
{{- range $ -}}
{{- $of := dict "state" $s "severity" $severity "fix" $fix "class" (toString .Class) "target" .Target -}}
{{- $_ := set $of "suppressed" "" -}}
{{- range .Vulnerabilities -}}
{{- $_ := set $of "finding" . -}}{{- template "finding" $of -}}
{{- end -}}
{{- range .ModifiedFindings -}}{{- if eq (toString .Type) "vulnerability" -}}
{{- $why := toString .Status -}}{{- if .Source -}}{{- $why = printf "%s by %s" $why .Source -}}{{- end -}}
{{- $_ := set $of "finding" .Finding -}}{{- $_ := set $of "suppressed" $why -}}{{- template "finding" $of -}}
{{- end -}}{{- end -}}
{{- end -}}
{{- end -}}{{- end -}}
{{- $l := dict "why" "" "used" 0 "line" 9000 "listed" 0 "groups" dict "seen" dict -}}
{{- range $ -}}{{- range .Packages -}}
{{- if gt $l.used @LIST@ -}}{{- $_ := set $l "why" "long" -}}{{- end -}}
{{- if not $l.why -}}{{- template "package" dict "list" $l "package" . "tell" false -}}{{- end -}}
{{- end -}}{{- end -}}
{{- if gt $l.used @LIST@ -}}{{- $_ := set $l "why" "long" -}}{{- end -}}
{{- if $l.why -}}
{{- printf "\nunlisted %s" $l.why -}}
{{- else -}}
{{- $l = dict "why" "" "used" 0 "line" 9000 "listed" 0 "groups" dict "seen" dict -}}
{{- range $ -}}{{- range .Packages -}}
{{- template "package" dict "list" $l "package" . "tell" true -}}
{{- end -}}{{- end -}}
{{- printf "\nlisted %d" $l.listed -}}
{{- end -}}
{{- $left := 0 -}}
{{- range $key, $count := $s.left -}}
{{- printf "\nleft %s %d" $key $count -}}{{- $left = add $left $count -}}
{{- end -}}
{{- printf "\ndone %d %d\n" $s.listed $left -}}
"""

# Of many documents each has its part of the log, and a template of its own that knows it.
_PARTS = """template=$(cat {folder}/rows.tpl)
i=0
for most in {parts}; do
  i=$((i + 1))
  printf '%s\\n' "${{template//@MOST@/$most}}" > {folder}/rows-$i.tpl
done
"""

_PREPARE = """set -eu
mkdir -p {folder}
cat > {folder}/rows.tpl <<'END'
{rows}
END
"""

# It is told what was to be scanned, and the word that begins each row, by its environment. By the numbers of rows it is
# seen that one is missing. Errors, as of a database that is not there, go nowhere: they take a way of their own into
# the log and may end up within a row.
_SAY = r"""set -uf
exec 2> /dev/null
LC_ALL=C
cd /workspace/tidegate
n=0
say() {
  n=$((n + 1))
  printf '%s %d %s\n' "$TIDEGATE_NONCE" "$n" "$1"
}
"""
_READ = r"""about() {
  value=${2#*: }
  value=${value%,}
  case $value in *[!\ -~]*) value='' ;; esac
  if [ -z "$value" ] || [ "${#value}" -gt 600 ]; then say "odd $1"; else say "about $1 $value"; fi
}
report() {
  block=
  while IFS= read -r line; do
    key=${line%%\": *}
    key=$block.${key##*\"}
    case $line in
      '  "Results": '*) break ;;
      '  "Trivy": {') block=trivy ;;
      '    "OS": {') block=os ;;
      '    "ImageConfig": {') block=config ;;
      '    "RepoDigests": [') block=digests ;;
      '    }'* | '    ]'* | '  }'*) block= ;;
      '      "'*) case $key in
        os.Family | os.Name | os.EOSL | config.os | config.architecture | config.variant) about "$key" "$line" ;;
        digests.*) about digest "${line#      }" ;;
      esac ;;
      '    "'*) case $key in trivy.Version | .Reference) about "${key#.}" "$line" ;; esac ;;
      '  "'*) case $key in .SchemaVersion | .ArtifactName | .ArtifactType) about "${key#.}" "$line" ;; esac ;;
    esac
  done < "$1"
}
"""
_BEGIN = r"""say "begin 1 $TIDEGATE_SCANNED"
database=
while IFS= read -r line || [ -n "$line" ]; do database=$database$line; done < /workspace/cache/db/metadata.json
[ -z "$database" ] || say "database $database"
i=0
IFS=,
for platform in $TIDEGATE_PLATFORMS; do
  i=$((i + 1))
  say "platform $platform"
"""
_ROWS_OF_EACH = r"""  if [ -s "rows-$i" ]; then
    report "report-$i.json"
    while IFS= read -r row; do [ -z "$row" ] || say "$row"; done < "rows-$i"
  else
    say none
  fi
done
say end
"""
TELL = _SAY + _READ + _BEGIN + _ROWS_OF_EACH

# Another scanner's report is whatever it wrote: packed and in base64 it is nothing but letters, and is never taken for
# rows. ACR's own image of bash may have no gzip; then there is less room.
_PREPARE_OTHER = """set -eu
mkdir -p {folder} /workspace/cache
chmod 0777 {folder} /workspace/cache
"""
_PACK = r"""pack() {
  how=gzip
  gzip -9 -c < "$1" > packed || { how=plain; cat < "$1" > packed; } || return 1
  base64 < packed > text || return 1
  length=0
  while IFS= read -r line; do length=$((length + ${#line})); done < text
  if [ "$length" -gt "$TIDEGATE_MOST" ]; then say "long $length $TIDEGATE_MOST"; return 0; fi
  say "packed $TIDEGATE_FORMAT $how"
  row=
  parts=0
  while IFS= read -r line; do
    row=$row$line
    if [ "${#row}" -ge 7600 ]; then say "part $row"; parts=$((parts + 1)); row=; fi
  done < text
  if [ -n "$row" ]; then say "part $row"; parts=$((parts + 1)); fi
  say "done $parts $length"
}
"""
_PACKED_OF_EACH = r"""  { [ -s "report-$i" ] && pack "report-$i"; } || say none
done
say end
"""
TELL_PACKED = _SAY + _PACK + _BEGIN + _PACKED_OF_EACH


def prepare(platforms: int) -> str:
    """Return the script that goes before the scans.

    Args:
        platforms: how many are scanned in the run.
    """
    most, listed = min(_MOST_OF_ONE, _MOST_OF_ALL // platforms), min(_LIST_OF_ONE, _LIST_OF_ALL // platforms)
    rows = _ROWS.strip().replace("@MOST@", str(most)).replace("@LIST@", str(listed))
    return _PREPARE.format(folder=FOLDER, rows=rows)


def prepare_other() -> str:
    """Return the script that goes before the scans of another scanner, which may run as any user."""
    return _PREPARE_OTHER.format(folder=FOLDER)


def most_packed(platforms: int) -> int:
    """Return how many letters a report of another scanner may be packed into.

    Args:
        platforms: how many are scanned in the run.
    """
    return _MOST_OF_ALL // platforms


def prepare_documents(sizes: Sequence[int]) -> str:
    """Return the script that goes before the scans of documents.

    Args:
        sizes: of each document, which says what part of the log it has; nothing in them is listed again.
    """
    whole = max(1, sum(sizes))
    parts = " ".join(str(_MOST_OF_ALL * size // whole) for size in sizes)
    rows = _ROWS.strip().replace("@LIST@", "0")
    return _PREPARE.format(folder=FOLDER, rows=rows) + _PARTS.format(folder=FOLDER, parts=parts)
