# memcached answers its protocol, passes the capability tests and a load of four threads; memcaslap itself uses libevent.
# packages: memcached libmemcached-tools netcat-openbsd
. ./library.sh
start $SWAP memcached -u memcache -l 127.0.0.1 -p 21001 -U 21001 -t 4
tcp_ready 21001
loaded $LAST
printf 'set k 0 0 5\r\nhello\r\nget k\r\nincr k 1\r\ntouch k 1\r\nflush_all\r\nquit\r\n' | nc -q1 127.0.0.1 21001 >$D/out
expect $D/out '^hello'
timeout 30 memccapable -h 127.0.0.1 -p 21001 -a >$D/capable 2>&1
result "$(grep -c pass $D/capable) capabilities"
grep -qv pass $D/capable && fail "$(grep -v pass $D/capable)"
timeout 60 $SWAP memcaslap -s 127.0.0.1:21001 -c 16 -T 2 -x 20000 >$D/slap 2>&1
expect $D/slap 'Run time'
