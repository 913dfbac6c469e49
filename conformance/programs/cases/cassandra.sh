# The libev wrapper of the Cassandra driver: a timer, a descriptor, a prepare watcher.
# packages: python3-cassandra
. ./library.sh
cat >$D/loop.py <<'X'
import cassandra.io.libevwrapper as L, os, sys
loop = L.Loop(); seen = []; reading, writing = os.pipe(); os.set_blocking(reading, False)
def on_timer(*_):
    seen.append('t'); os.write(writing, b'x')
    if seen.count('t') < 5: timer.start(0.02)
    else: io.stop(); prepare.stop(); timer.stop()
timer = L.Timer(loop, on_timer)
io = L.IO(reading, L.EV_READ, loop, lambda *_: seen.append(os.read(reading, 100)))
prepare = L.Prepare(loop, lambda *_: seen.append('p') if 'p' not in seen else None)
timer.start(0.02); io.start(); prepare.start(); loop.start()
open(sys.argv[1], 'w').write(open('/proc/self/maps').read())
assert seen.count('t') == 5 and 'p' in seen and b'x' in seen, seen; print('OK')
X
timeout 20 $SWAP /usr/bin/python3 $D/loop.py $D/maps >$D/out 2>&1
expect $D/out '^OK'
loaded_by_maps $D/maps 'Python with libevwrapper'
