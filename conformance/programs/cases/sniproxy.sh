# sniproxy finds the server by the name in the TLS hello and in the Host header, and passes megabytes through untouched.
# packages: sniproxy nghttp2-server curl openssl python3
. ./library.sh
certificate
mkdir $D/www
echo sni-hello >$D/www/i
head -c 1000000 /dev/urandom >$D/www/z
start nghttpd -d $D/www --address=127.0.0.1 21447 $D/k.pem $D/c.pem
tcp_ready 21447
web_server $D/www 21451
cat >$D/sniproxy.conf <<X
user nobody
error_log {
  filename $D/log.sniproxy
  priority debug
}
listen 127.0.0.1:21452 {
  proto tls
  table t
}
listen 127.0.0.1:21453 {
  proto http
  table h
}
table t {
  .*\\\\.test 127.0.0.1:21447
}
table h {
  .*\\\\.test 127.0.0.1:21451
}
X
start $SWAP sniproxy -f -c $D/sniproxy.conf
tcp_ready 21452
loaded $LAST
curl -sk --resolve a.test:21452:127.0.0.1 https://a.test:21452/i >$D/tls
expect $D/tls sni-hello
curl -s --resolve a.test:21453:127.0.0.1 http://a.test:21453/i >$D/plain
expect $D/plain sni-hello
for i in 1 2 3; do
  curl -sk --resolve a.test:21452:127.0.0.1 https://a.test:21452/z | cmp - $D/www/z || fail "megabyte $i"
done
