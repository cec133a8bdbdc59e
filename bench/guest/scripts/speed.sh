# speed.sh NAME WORK ARGUMENTS...: how long WORK (operations or bytes) takes, by what `openssl speed ARGUMENTS` does of it in a second.
name=$1 work=$2
shift 2
/usr/bin/openssl speed -elapsed -seconds 1 -mr "$@" 2>/dev/null |
  /bin/busybox awk -F: -v name="$name" -v work="$work" '
    /^[+]F/ && $4 > 0 { told = 1; printf "BENCH %s %f 0\n", name, work / $4 } END { exit !told }'
