# speed.sh NAME: how long some work (operations or bytes) takes, by what `openssl speed` does of it in a second. What is
# checked is the same done to a text: openssl speed does not look at its own results.
openssl=/usr/bin/openssl name=$1
zeros=00000000000000000000000000000000
case $name in
  openssl-aes)
    work=134217728 speed=(-bytes 16384 -evp aes-256-cbc)
    check=(enc -aes-256-cbc -K "$zeros$zeros" -iv "$zeros" -in /bench/text)
    ;;
  openssl-sha)
    work=268435456 speed=(-bytes 16384 -evp sha256)
    check=(dgst -sha256 /bench/text)
    ;;
  openssl-rsa)
    work=500 speed=(rsa2048)
    check=(dgst -sha256 -sign /bench/key /bench/text)
    ;;
esac
sum=$($openssl "${check[@]}" | /bin/busybox md5sum)
$openssl speed -elapsed -seconds 1 -mr "${speed[@]}" 2>/dev/null |
  /bin/busybox awk -F: -v name="$name" -v work="$work" -v sum="${sum:0:16}" '
    /^[+]F/ && $4 > 0 { told = 1; printf "BENCH %s %f %s\n", name, work / $4, sum } END { exit !told }'
