# libverto's libev module, from Python: timeouts, a descriptor, a signal, and a break.
# packages: libverto-libev1 python3
. ./library.sh
cat >$D/verto.py <<'X'
import ctypes as C, os, signal, sys
lib = C.CDLL('libverto.so.1'); pointer = C.c_void_p; callback = C.CFUNCTYPE(None, pointer, pointer)
lib.verto_new.restype = pointer; lib.verto_new.argtypes = [C.c_char_p, C.c_uint]
for name, last in ('timeout', C.c_long), ('io', C.c_int), ('signal', C.c_int):
    function = getattr(lib, 'verto_add_' + name); function.restype = pointer; function.argtypes = [pointer, C.c_int, callback, last]
lib.verto_run.argtypes = lib.verto_break.argtypes = [pointer]
context = lib.verto_new(b'libev', 0); assert context, 'no libev module'
got = []; reading, writing = os.pipe(); ticks = 0; PERSIST = 1; READ = 1 << 4

def on_tick(context, event):
    global ticks
    ticks += 1
    if ticks == 3: os.write(writing, b'x')
    if ticks == 4: os.kill(os.getpid(), signal.SIGUSR1)
    if ticks == 6: lib.verto_break(context)
tick = callback(on_tick)
io = callback(lambda c, e: got.append(os.read(reading, 1)) and None)
on_signal = callback(lambda c, e: got.append('signal'))
assert lib.verto_add_timeout(context, PERSIST, tick, 20) and lib.verto_add_io(context, PERSIST | READ, io, reading)
assert lib.verto_add_signal(context, PERSIST, on_signal, signal.SIGUSR1)
lib.verto_run(context)
open(sys.argv[1], 'w').write(open('/proc/self/maps').read())
assert ticks == 6 and got == [b'x', 'signal'], (ticks, got); print('OK')
X
timeout 20 $SWAP /usr/bin/python3 $D/verto.py $D/maps >$D/out 2>&1
expect $D/out '^OK'
loaded_by_maps $D/maps 'Python with libverto'
