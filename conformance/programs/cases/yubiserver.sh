# yubiserver answers a question about a key that it does not know.
# packages: yubiserver sqlite3 curl procps
. ./library.sh
cp /var/lib/yubiserver/yubiserver.sqlite $D/y.sqlite 2>/dev/null || sqlite3 $D/y.sqlite 'create table dummy(a)'
start $SWAP yubiserver -d $D/y.sqlite -p 21191 -l $D/ylog
tcp_ready 21191
server=$(pgrep -n yubiserver)
loaded $server
curl -s 'http://127.0.0.1:21191/wsapi/2.0/verify?id=1&nonce=abcdefghijklmnop&otp=ccccccccccccbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' >$D/answer
expect $D/answer 'status='
result "$(grep -o 'status=[A-Z_]*' $D/answer)"
kill $server
