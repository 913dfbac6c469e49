# poolcounterd gives a lock.
# packages: poolcounter netcat-openbsd
. ./library.sh
start $SWAP poolcounterd
tcp_ready 7531
loaded $LAST
printf 'ACQ4ME k 1 2 3\nRELEASE\nSTATS FULL\n' | nc -q1 127.0.0.1 7531 >$D/out
expect $D/out LOCKED
