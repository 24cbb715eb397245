# Runs every test with the given Python, in two lanes. One drives processes and waits for them. The other has what mostly
# waits, and not for the processor, and then what needs nothing but the processor, of which it takes what is left; what
# it says comes at the end.
set -u
python=$1
waiting='tests/idle tests/burst tests/chaos'
computing='tests/unit tests/attacks tests/fields'
said=$(mktemp)
status=0
# A shell that is ended leaves its child running unless it says otherwise.
part() {
  "$@" &
  trap 'kill "$!"; exit 143' TERM
  wait "$!"
}
beside() {
  failed=0
  # shellcheck disable=SC2086  # each is a folder
  part "$python" -m pytest $waiting || failed=$?
  # shellcheck disable=SC2086
  part nice -n 10 "$python" -m pytest $computing || failed=$?
  return "$failed"
}
beside > "$said" 2>&1 &
beside=$!
trap 'kill "$beside" 2> /dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT TERM
"$python" -m pytest tests $(for level in $waiting $computing; do printf ' --ignore=%s' "$level"; done) || status=$?
wait "$beside" || status=$?
echo "beside them, $waiting $computing:"
cat "$said"
exit "$status"
