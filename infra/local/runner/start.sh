# Starts a container's command as docker does, and stays for a moment after it.
# Arguments: a line to write first, or nothing; the machines that programs may be for, as in an ELF's header; the command.
busybox=/acb/tools/busybox
marker=$1 machines=$2
shift 2

# Prints what machine a program is for: a script is its interpreter's. Anything else is for none.
machine_of() {
    # shellcheck disable=SC2046 # bytes, meant to be split
    set -- "$1" $($busybox od -An -v -tx1 -N20 "$1" 2>/dev/null)
    case "$2$3" in
        7f45) echo "${20}${21}" ;;
        2321) [ -n "$inside" ] || inside=yes machine_of "$(interpreter_of "$1")" ;;
        "") echo missing ;;
    esac
}

interpreter_of() {
    IFS= read -r first <"$1"
    # shellcheck disable=SC2086 # words, meant to be split
    set -- ${first#??}
    echo "$1"
}

# A shell that is told to run what the kernel cannot would take it for a script; docker does not.
found=$($busybox which "$1")
if [ -r "$found" ]; then
    machine=$(machine_of "$found")
    case " $machines missing " in
        *" $machine "*) ;;
        *) echo "exec $1: exec format error" >&2; exit 255 ;;
    esac
    [ "$machine" != missing ] || { echo "exec $1: no such file or directory" >&2; exit 127; }
elif [ -n "$marker" ] && [ -z "$found" ]; then
    exit 127
fi

[ -z "$marker" ] || echo "$marker"
"$@"
status=$?
# With this isolation buildah loses the last output of a command that ends at once.
$busybox sleep 0.1
exit $status
