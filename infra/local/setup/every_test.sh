# Runs every test with the given Python. What mostly waits, and not for the processor, runs beside the others, which
# take it all the time; what it says comes at the end.
set -u
python=$1
waiting='tests/idle tests/burst tests/chaos'
said=$(mktemp)
status=0
# shellcheck disable=SC2086  # each is a folder
"$python" -m pytest $waiting > "$said" 2>&1 &
beside=$!
trap 'kill "$beside" 2> /dev/null; rm -f "$said"' EXIT
trap 'exit 130' INT TERM
"$python" -m pytest tests $(for level in $waiting; do printf ' --ignore=%s' "$level"; done) || status=$?
wait "$beside" || status=$?
echo "beside them, $waiting:"
cat "$said"
exit "$status"
