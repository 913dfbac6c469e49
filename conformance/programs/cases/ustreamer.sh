# ustreamer has no camera, and serves its state, a blank picture, a stream of them, and a thousand requests.
# packages: ustreamer curl nghttp2-client
# waits for: evhttp_new evhttp_set_cb evhttp_bind_socket_with_handle
. ./library.sh
start $SWAP ustreamer --device /dev/video99 --host 127.0.0.1 --port 21140 --device-timeout 1
tcp_ready 21140
loaded $LAST
curl -s http://127.0.0.1:21140/state >$D/state
expect $D/state '"ok": true'
curl -s http://127.0.0.1:21140/ >$D/page
expect $D/page Streamer
curl -s http://127.0.0.1:21140/snapshot -o $D/picture
[ "$(head -c 3 $D/picture | od -An -tx1)" = ' ff d8 ff' ] || fail 'no JPEG'
curl -sN --max-time 3 -D $D/head http://127.0.0.1:21140/stream -o $D/stream
expect $D/head multipart/x-mixed-replace
expect $D/stream boundarydonotcross
h2load --h1 -n 1000 -c 10 http://127.0.0.1:21140/state >$D/load 2>&1
expect $D/load '1000 succeeded'
