# hitch ends TLS for a plain server with two workers, under load, and across a reload.
# packages: hitch curl nghttp2-client openssl python3
. ./library.sh
certificate
cat $D/k.pem $D/c.pem >$D/both.pem
echo hello-hitch >$D/index.html
web_server $D 21082
cat >$D/hitch.conf <<X
frontend = "[127.0.0.1]:21445"
backend = "[127.0.0.1]:21082"
workers = 2
user = "_hitch"
group = "_hitch"
daemon = off
pem-file = "$D/both.pem"
X
start $SWAP hitch --config=$D/hitch.conf
hitch=$LAST
tcp_ready 21445
loaded $hitch
for worker in $(pgrep -P $hitch); do loaded $worker; done
fetch() { curl -sk https://127.0.0.1:21445/index.html | grep -q hello-hitch; }
eventually 'no page through hitch' fetch
h2load --h1 -n 1000 -c 10 https://127.0.0.1:21445/index.html >$D/load 2>&1
expect $D/load '1000 succeeded'
kill -HUP $hitch
sleep 0.5
eventually 'no page after the reload' fetch
