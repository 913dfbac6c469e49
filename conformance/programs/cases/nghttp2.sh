# nghttpx proxies HTTP/2 and HTTP/1 to nghttpd with two workers, under load by h2load; all four of them use libev.
# packages: nghttp2-proxy nghttp2-client nghttp2-server curl openssl
. ./library.sh
certificate
mkdir $D/www
head -c 100000 /dev/zero >$D/www/z
echo hi >$D/www/index.html
start $SWAP nghttpd -d $D/www --address=127.0.0.1 --no-tls 21080
tcp_ready 21080
loaded $LAST
start $SWAP nghttpx --conf=/dev/null --no-ocsp -f127.0.0.1,21443 '-f127.0.0.1,21081;no-tls' "-funix:$D/api.sock;api;no-tls" \
  '-b127.0.0.1,21080;;proto=h2' --workers=2 $D/k.pem $D/c.pem
proxy=$LAST
tcp_ready 21443
loaded $proxy
$SWAP nghttp -nv https://127.0.0.1:21443/ >$D/verbose 2>&1
expect $D/verbose ':status: 200'
curl -s http://127.0.0.1:21081/index.html >$D/page
expect $D/page '^hi'
$SWAP h2load -n 4000 -c 20 -m 10 -t 2 https://127.0.0.1:21443/z >$D/load2 2>&1
expect $D/load2 '4000 succeeded, 0 failed'
$SWAP h2load --h1 -n 2000 -c 10 http://127.0.0.1:21081/ >$D/load1 2>&1
expect $D/load1 '2000 succeeded, 0 failed'
curl -s --unix-socket $D/api.sock http://x/api/v1beta1/configrevision >$D/api
expect $D/api configRevision
kill -QUIT $proxy
eventually 'nghttpx does not leave' gone $proxy
