# gevent on libev with three backends: two hundred requests at once, a child, a signal, a watched file, a wake from a thread, and
# the watchers that run around a wait.
# packages: python3-gevent
. ./library.sh
cat >$D/app.py <<'X'
import gevent, sys
from gevent import monkey; monkey.patch_all()
from gevent.pywsgi import WSGIServer
from gevent.pool import Pool
import urllib.request, subprocess, signal, os
watched, maps = sys.argv[1:]
hub = gevent.get_hub(); loop = hub.loop
assert 'libev' in str(type(loop)), type(loop)
print(loop.backend)

def app(environ, start_response):
    gevent.sleep(0.02); start_response('200 OK', [('Content-Type', 'text/plain')]); return [b'hi ' + environ['PATH_INFO'].encode()]
server = WSGIServer(('127.0.0.1', 0), app, log=None); server.start()
pages = Pool(50).map(lambda i: urllib.request.urlopen('http://127.0.0.1:%d/%d' % (server.server_port, i)).read(), range(200))
assert pages == [b'hi /%d' % i for i in range(200)]

def until(condition):
    with gevent.Timeout(10):
        while not condition(): gevent.sleep(0.02)
assert subprocess.check_output(['echo', 'child']) == b'child\n'
signals = []; gevent.signal_handler(signal.SIGUSR1, lambda: signals.append(1)); os.kill(os.getpid(), signal.SIGUSR1); until(lambda: signals)
changes = []; watcher = loop.stat(watched, interval=0.1); watcher.start(lambda: changes.append(1)); gevent.sleep(0.2)
open(watched, 'a').write('x'); until(lambda: changes); watcher.stop()
fired = []; waker = loop.async_(); waker.start(lambda: fired.append(1)); hub.threadpool.apply(waker.send); until(lambda: fired)
around = set()
for name in ('prepare', 'check', 'idle'):
    watcher = getattr(loop, name)(); watcher.start(around.add, name); until(lambda: name in around); watcher.stop()
assert around == {'prepare', 'check', 'idle'}, around
open(maps, 'w').write(open('/proc/self/maps').read()); print('OK')
X
touch $D/watched
for backend in epoll poll select; do
  GEVENT_LOOP=libev-cext GEVENT_BACKEND=$backend timeout 60 $SWAP /usr/bin/python3 $D/app.py $D/watched $D/maps >$D/out 2>&1
  expect $D/out '^OK'
  loaded_by_maps $D/maps "gevent with $backend"
  result "$(head -1 $D/out)"
done
