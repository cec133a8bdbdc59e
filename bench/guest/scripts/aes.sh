# AES of 32 MiB.
key=000102030405060708090a0b0c0d0e0f
/bin/busybox head -c 33554432 /dev/zero | /usr/bin/openssl enc -aes-256-cbc -K $key$key -iv $key
