# webdis serves Redis over HTTP: commands, a body, a chunked subscription, five thousand requests of twenty clients.
# packages: webdis redis-server curl nghttp2-client
. ./library.sh
start redis-server --bind 127.0.0.1 --port 21379 --save '' --daemonize no --dir $D
tcp_ready 21379
cat >$D/webdis.json <<X
{"redis_host":"127.0.0.1","redis_port":21379,"http_host":"127.0.0.1","http_port":21380,"threads":3,"pool_size":4,
"daemonize":false,"websockets":true,"database":0,"acl":[{"disabled":[]}],"verbosity":3,"logfile":"$D/log.webdis","pidfile":"$D/webdis.pid"}
X
start $SWAP webdis $D/webdis.json
tcp_ready 21380
loaded $LAST
curl -s http://127.0.0.1:21380/SET/hello/world >$D/set
expect $D/set '"SET":\[true,"OK"\]'
curl -s http://127.0.0.1:21380/GET/hello >$D/get
expect $D/get '"GET":"world"'
curl -s -d 'INCRBY/n/5' http://127.0.0.1:21380/ >$D/post
expect $D/post '"INCRBY":5'
(curl -sN --max-time 2 http://127.0.0.1:21380/SUBSCRIBE/channel >$D/subscription; :) &
sleep 0.5
redis-cli -p 21379 publish channel msg1 >/dev/null
wait $!
expect $D/subscription msg1
h2load --h1 -n 5000 -c 20 http://127.0.0.1:21380/GET/hello >$D/load 2>&1
expect $D/load '5000 succeeded'
