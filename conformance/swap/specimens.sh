#!/bin/sh
# Makes the specimens of the command's tests: small programs, each with one thing that a swap must cope with or refuse.
# Usage: specimens.sh DIRECTORY, with CC in the environment. Called by module.mk; the tests find them by name.
set -eu
D=$1
here=$(dirname "$0")
rm -rf "$D"
mkdir -p "$D/lib" "$D/old" "$D/future" "$D/lost" "$D/bin"
D=$(cd "$D" && pwd)
cc() { ${CC:-gcc} -g -O1 -Wall "$@"; }

# Ordinary users of the two libraries.
cc -o "$D/event-user" "$here/event_user.c" -levent_core
cc -o "$D/ev-user" "$here/ev_user.c" -lev
cc -no-pie -fno-pie -o "$D/ev-copy-user" "$here/ev_user.c" -lev # gets a copy relocation on ev_default_loop_ptr
cc -o "$D/event-worker" "$here/event_worker.c" -levent -levent_pthreads -lpthread
cc -o "$D/ev-worker" "$here/ev_worker.c" -lev -lpthread
printf '#!/bin/sh\nexec "%s/event-user" "$@"\n' "$D" >"$D/script"
printf '#! /usr/bin/env  sh\nexit 7\n' >"$D/env-script"
printf '#!%s/static-interpreter\n' "$D" >"$D/static-script"
printf '#!/no/such/interpreter\n' >"$D/orphan-script"
printf '#!%s/circle-script\n' "$D" >"$D/circle-script"
printf 'just text\n' >"$D/text"
mkdir "$D/no-libraries"
cp "$D/text" "$D/no-libraries/libev.so.4"
chmod +x "$D/circle-script" "$D/script" "$D/env-script" "$D/static-script" "$D/orphan-script" "$D/text"
ln -s ../event-user "$D/bin/event-user-in-path"

# A library between the program and libevent, found through $ORIGIN.
printf '#include <event2/event.h>\nconst char *middle(void) { return event_get_version(); }\n' >"$D/middle.c"
cc -shared -fPIC -o "$D/lib/libmiddle.so" "$D/middle.c" -levent_core
printf '#include <stdio.h>\nconst char *middle(void);\nint main(void) { puts(middle()); return 0; }\n' >"$D/outer.c"
cc -o "$D/outer" "$D/outer.c" -L"$D/lib" -lmiddle -Wl,-rpath,'$ORIGIN/lib' -Wl,--enable-new-dtags

# An RPATH to the originals, which comes before LD_LIBRARY_PATH.
cc -o "$D/rpath-user" "$here/event_user.c" -levent_core -Wl,--disable-new-dtags,-rpath,"$(dirname "$(cc -print-file-name=libevent_core.so)")"

# One that loads libevent late, by name.
cc -DLOAD_LATE -o "$D/late-user" "$here/event_user.c" -ldl

# One that has a function of its own by a name of libevent's.
printf '#include <event2/event.h>\nint event_reinit(struct event_base *b) { (void)b; return 0; }\nint main(void) { return event_get_version_number() == 0; }\n' >"$D/own.c"
cc -rdynamic -o "$D/own-function" "$D/own.c" -levent_core

# Linked to a libevent that has more than ours: once as a must, once weakly.
printf 'int event_of_the_future(void) { return 1; }\n' >"$D/future.c"
cc -shared -fPIC -o "$D/future/libevent_core.so" "$D/future.c" -Wl,-soname,libevent_core-2.1.so.7
printf 'int event_of_the_future(void);\nint main(void) { return event_of_the_future() - 1; }\n' >"$D/wants.c"
cc -o "$D/wants-future" "$D/wants.c" -L"$D/future" -levent_core -Wl,-rpath,"$D/future"
printf '__attribute__((weak)) int event_of_the_future(void);\nint main(void) { return event_of_the_future ? 0 : 5; }\n' >"$D/weak.c"
cc -o "$D/wants-future-weakly" "$D/weak.c" -L"$D/future" -Wl,--no-as-needed -levent_core -Wl,-rpath,"$D/future"
ln -s libevent_core.so "$D/future/libevent_core-2.1.so.7"

# Other series.
printf 'int event_dispatch(void) { return 0; }\nint ev_run(void) { return 0; }\n' >"$D/old.c"
printf 'int event_dispatch(void);\nint ev_run(void);\nint main(void) { return event_dispatch() + ev_run(); }\n' >"$D/old-main.c"
for soname in libevent-2.0.so.5 libevent_core-2.2.so.1 libev.so.3; do
  cc -shared -fPIC -o "$D/old/$soname" "$D/old.c" -Wl,-soname,$soname
  cc -o "$D/user-of-$soname" "$D/old-main.c" "$D/old/$soname" -Wl,-rpath,"$D/old"
done

# A library that has gone.
printf 'int lost(void) { return 0; }\n' >"$D/lost.c"
cc -shared -fPIC -o "$D/lost/liblost.so" "$D/lost.c" -Wl,-soname,liblost.so
printf 'int lost(void);\n#include <event2/event.h>\nint main(void) { return lost() + (event_get_version() == 0); }\n' >"$D/lost-main.c"
cc -o "$D/loser" "$D/lost-main.c" -L"$D/lost" -llost -levent_core
rm "$D/lost/liblost.so"

# What cannot be swapped at all.
printf 'int main(void) { return 0; }\n' >"$D/nothing.c"
cc -static -o "$D/static" "$D/nothing.c"
cp "$D/static" "$D/static-interpreter"
cc -o "$D/nothing" "$D/nothing.c"
cp "$D/event-user" "$D/set-uid" && chmod 4755 "$D/set-uid"
cp "$D/event-user" "$D/set-gid" && chmod 2755 "$D/set-gid"
cp "$D/event-user" "$D/capable"
head -c 700 "$D/event-user" >"$D/damaged"
cp "$D/event-user" "$D/foreign" # e_machine becomes AArch64's
printf '\267\000' | dd of="$D/foreign" bs=1 seek=18 conv=notrunc status=none
cc -o "$D/musl" "$D/nothing.c" -Wl,--dynamic-linker,/lib/ld-musl-x86_64.so.1
cp "$D/event-user" "$D/unexecutable" && chmod 644 "$D/unexecutable"
chmod +x "$D/damaged"
cp "$D/event-user" "$D/busy"
cp "$D/event-user" "$D/unreadable" && chmod 111 "$D/unreadable"

# A preload of somebody else's, to be kept.
printf '#include <unistd.h>\n__attribute__((constructor)) static void hello(void) { if (write(2, "preloaded\\n", 10) != 10) _exit(1); }\n' >"$D/preload.c"
cc -shared -fPIC -o "$D/lib/libpreload.so" "$D/preload.c"
rm "$D"/*.c
