# inetd starts a program, echoes by itself, answers datagrams, and drops a service at SIGHUP.
# packages: openbsd-inetd netcat-openbsd socat
. ./library.sh
cat >$D/inetd.conf <<X
21105 stream tcp nowait root /bin/cat cat
127.0.0.1:echo stream tcp nowait root internal
10.99.0.1:daytime dgram udp wait root internal
X
start $SWAP inetd -d -i $D/inetd.conf
inetd=$LAST
tcp_ready 7
loaded $inetd
printf 'hello\n' | nc -q1 127.0.0.1 7 >$D/echo
expect $D/echo hello
printf 'cat-me\n' | nc -q1 127.0.0.1 21105 >$D/cat
expect $D/cat cat-me
printf x | socat -t1 - udp:10.99.0.1:13 >$D/day # internal services refuse a source in 127/8
expect $D/day 20
sed -i 1d $D/inetd.conf
kill -HUP $inetd
closed() { ! nc -z 127.0.0.1 21105; }
eventually 'the service is still open' closed
