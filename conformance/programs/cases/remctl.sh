# remctl-shell runs commands and passes on output, standard error, much output, standard input and the exit status.
# packages: remctl-server
. ./library.sh
cat >$D/command <<'X'
#!/bin/sh
case "$1" in
hello) echo "hi $2"; echo err >&2 ;;
cat) cat; exit 3 ;;
big) seq 1 200000 ;;
wait) sleep 2 ;;
esac
X
chmod +x $D/command
printf 'test ALL %s stdin=last ANYUSER\nt2 ALL %s ANYUSER\n' $D/command $D/command >$D/conf
export SSH_CONNECTION='127.0.0.1 4444 127.0.0.1 22' REMCTL_USER=me
order() { SSH_ORIGINAL_COMMAND=$1 $SWAP remctl-shell -q -S -f $D/conf me; }
SSH_ORIGINAL_COMMAND='t2 wait' start $SWAP remctl-shell -q -S -f $D/conf me
sleep 0.5
loaded $LAST
order 't2 hello bob' >$D/out 2>$D/err
expect $D/out 'hi bob'
expect $D/err err
order 't2 big' >$D/big
[ $(wc -l <$D/big) = 200000 ] || fail "$(wc -l <$D/big) lines of 200000"
order 'test cat payload' >$D/cat
[ $? = 3 ] || fail 'the exit status is lost'
expect $D/cat payload
