"""gates_test.py BUILD: every gate catches what it is there for.

Each test breaks one thing, in a copy of the headers, the registries or the libraries, and expects the
gate to name it. The unbroken copy must pass: a gate that always fails proves nothing either."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import binary_gate
import compare_gate
import compile_gate
import header_gate
import link_gate
import probe
import registry_gate
from families import INCLUDE, REGISTRIES, ROOT

BUILD = "build"
ENGINE = "libpollshim-event.so.1"
LIBEVENT = {"libevent"}
PROGRAMS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "programs")


def edit(path, pattern, replacement):
    """Exactly one place is changed; a test whose pattern is stale must not pass."""
    with open(path) as file:
        text = file.read()
    text, count = re.subn(pattern, replacement, text, count=1, flags=re.S | re.M)
    assert count == 1, "'%s' is not in %s" % (pattern, path)
    with open(path, "w") as file:
        file.write(text)


class GateTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.work = self.directory.name
        self.addCleanup(self.directory.cleanup)

    def copy_of(self, source):
        target = os.path.join(self.work, os.path.basename(source))
        return shutil.copytree(source, target, symlinks=True)

    def assert_passes(self, gate):
        self.assertEqual(gate.faults, [])

    def assert_faulted(self, gate, text):
        self.assertTrue(any(text in fault for fault in gate.faults),
                        "'%s' is not among the faults: %s" % (text, gate.faults[:10]))


class RegistryGateTest(GateTest):
    def setUp(self):
        super().setUp()
        self.registries = self.copy_of(REGISTRIES)
        self.build = os.path.join(self.work, "build")
        shutil.copytree(os.path.join(BUILD, "gen", "abi"), self.build + "/gen/abi")
        shutil.copytree(os.path.join(BUILD, "lib"), self.build + "/lib", symlinks=True)
        self.registry = os.path.join(self.registries, "libevent.tsv")
        self.map = self.build + "/gen/abi/" + ENGINE + ".map"

    def check(self, include=INCLUDE):
        return registry_gate.check(self.build, include, self.registries, "libevent")

    def test_what_is_there_passes(self):
        self.assert_passes(self.check())

    def test_a_function_without_a_row(self):
        edit(self.registry, r"^event_add\t.*?\n", "")
        self.assert_faulted(self.check(), "event_add is declared in event2/event.h but has no row")

    def test_a_row_without_a_function(self):
        edit(self.registry, r"^event_add\t", "event_invented\tfunction\tevent2/event.h\tevent,core\tpending\n\\g<0>")
        self.assert_faulted(self.check(), "event_invented has a row but event2/event.h does not declare it")

    def test_a_row_with_the_wrong_header(self):
        edit(self.registry, r"^event_add\tfunction\tevent2/event.h", "event_add\tfunction\tevent2/util.h")
        self.assert_faulted(self.check(), "event_add is declared in event2/event.h, not in event2/util.h")

    def test_two_rows_for_one_symbol(self):
        edit(self.registry, r"^(event_add\t.*?\n)", r"\1\1")
        self.assert_faulted(self.check(), "event_add has two rows")

    def test_a_status_that_is_neither(self):
        edit(self.registry, r"^(event_add\t.*?\t)present$", r"\1later")
        self.assert_faulted(self.check(), "status 'later'")

    def test_a_pending_symbol_that_has_come(self):
        edit(self.registry, r"^(event_add\t.*?\t)present$", r"\1pending")
        self.assert_faulted(self.check(), "event_add has come: mark it present")

    def test_a_present_symbol_that_is_not_there(self):
        self.replace_engine({"event_add"}, set())
        self.assert_faulted(self.check(), "event_add is present by the registry, but %s does not" % ENGINE)

    def test_an_export_without_a_row(self):
        self.replace_engine(set(), {"event_secret_"})
        self.assert_faulted(self.check(), "exports event_secret_, which is not in libevent.tsv")

    def test_a_pending_symbol_that_is_there_but_hidden(self):
        edit(self.registry, r"^(event_add\t.*?\t)present$", r"\1pending")
        self.replace_engine(set(), set(), '__attribute__((visibility("hidden")))', "event_add")
        self.assert_faulted(self.check(), "event_add is in %s, but hidden" % ENGINE)

    def test_a_symbol_of_another_kind(self):
        edit(self.registry, r"^event_add\tfunction", "event_add\tobject:8")
        self.assert_faulted(self.check(), "event_add is a function in %s, a object:8" % ENGINE)

    def test_a_map_that_lacks_a_symbol(self):
        edit(self.map, r"    event_add;\n", "")
        self.assert_faulted(self.check(), "event_add is not in %s.map" % ENGINE)

    def test_a_map_with_a_symbol_too_many(self):
        edit(self.map, r"    event_add;\n", "    event_add;\n    event_secret_;\n")
        self.assert_faulted(self.check(), "event_secret_ is in %s.map, not in the registry" % ENGINE)

    def test_a_map_that_hides_nothing(self):
        edit(self.map, r"  local: \*;\n", "")
        self.assert_faulted(self.check(), "does not hide the rest")

    def test_a_map_with_a_named_version(self):
        edit(self.map, r"\A\{", "EVENT_2 {")
        self.assert_faulted(self.check(), "does not hide the rest in an anonymous node")

    def test_a_face_that_exports_something(self):
        shutil.copy(self.build + "/lib/pollshim/" + ENGINE, self.build + "/lib/pollshim/libevent-2.1.so.7")
        self.assert_faulted(self.check(), "libevent-2.1.so.7 is a face, but exports event_")

    def test_a_face_without_what_its_original_has(self):
        edit(self.registry, r"^(event_add\tfunction\tevent2/event.h\t)event,core", r"\1event")
        self.assert_faulted(self.check(), "the original libevent_core-2.1.so.7 has event_add, our face core has not")

    def test_a_face_with_more_than_its_original(self):
        edit(self.registry, r"^(event_add\tfunction\tevent2/event.h\t)event,core", r"\1event,core,extra")
        self.assert_faulted(self.check(), "the registry has event_add in face extra, the original")

    def test_a_prototype_that_was_dropped(self):
        include = self.copy_of(INCLUDE)
        edit(include + "/event2/event.h", r"^int event_add\(.*?;", "")
        self.assert_faulted(self.check(include), "event_add has a row but event2/event.h does not declare it")

    def replace_engine(self, without, extra, mark="", marked=""):
        """An engine of nothing but symbols: those that are present, less some, and some more."""
        rows = registry_gate.read_registry(self.registry)
        names = {row.name for row in rows if row.status == "present" and "openssl" not in row.faces}
        source = os.path.join(self.work, "engine.c")
        with open(source, "w") as file:
            for name in sorted(names - without | extra | {marked} - {""}):
                file.write("%s void %s(void) {}\n" % (mark if name == marked else "", name))
        subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", self.build + "/lib/pollshim/" + ENGINE,
                        source], check=True)


class BrokenHeadersTest(GateTest):
    """One copy of the headers with everything broken at once, and one run of the gate for all tests."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as work:
            include = shutil.copytree(INCLUDE, os.path.join(work, "include"))
            for header, pattern, replacement in cls.BROKEN:
                edit(os.path.join(include, header), pattern, replacement)
            cls.gate = cls.run_gate(include)


class HeaderGateTest(BrokenHeadersTest):
    BROKEN = (
        ("event2/event.h", r"event_active\(struct event\* ev, int res, short",
         "event_active(struct event* ev, int res, long"),
        ("event2/event.h", r"^int event_del_noblock\(.*?;", "int event_del_nobody(void);"),
        ("event2/event.h", r"#define EVLOOP_ONCE.*?$", ""),
        ("event2/event.h", r"EVENT_BASE_FLAG_NO_CACHE_TIME", "EVENT_BASE_FLAG_NO_CACHED_TIME"),
        ("event2/event.h", r"evtimer_pending\(ev, tv\)", "evtimer_pending(ev, tv, more)"),
        ("event2/event.h", r"EVENT2_EXPORT_SYMBOL\nint event_del_block\(struct event\* ev\);", ""),
        ("event2/event_compat.h", r"(struct event_base;\n)", r"\1int event_del_block(struct event* ev);\n"),
        ("event2/event_struct.h", r"  short ev_events;(.*?)\n  short ev_res;",
         r"  short ev_res;\1\n  short ev_events;"),
        ("event2/util.h", r"#include <netdb.h>\n", "struct addrinfo;\n"),
        ("event2/tag.h", r"#include <event2/util.h>\n", "#include <event2/util.h>\n#define LEAK 1\n"),
    )

    @staticmethod
    def run_gate(include):
        shutil.copy(include + "/event2/tag_compat.h", include + "/event2/stray.h")
        differences = {**header_gate.read_differences(), ("macro", "EV_READ"): "for the test"}
        return header_gate.check(include, differences, LIBEVENT)

    def test_a_parameter_of_another_type(self):
        self.assert_faulted(self.gate, "event_active is 'void (struct event *, int, long)'")

    def test_a_function_that_is_missing_and_one_too_many(self):
        self.assert_faulted(self.gate, "event_del_noblock is missing from our headers")
        self.assert_faulted(self.gate, "event_del_nobody is in our headers only")

    def test_a_macro_that_is_missing(self):
        self.assert_faulted(self.gate, "EVLOOP_ONCE is not defined by our headers")

    def test_an_enumerator_that_is_missing(self):
        self.assert_faulted(self.gate, "EVENT_BASE_FLAG_NO_CACHE_TIME is missing")

    def test_a_macro_with_another_parameter(self):
        self.assert_faulted(self.gate, "evtimer_pending takes other parameters")

    def test_a_field_that_moved(self):
        self.assert_faulted(self.gate, "struct event is")

    def test_a_declaration_in_another_header(self):
        self.assert_faulted(self.gate, "event_del_block is declared in event2/event_compat.h, "
                                       "by the original in event2/event.h")

    def test_a_system_header_that_is_included_no_more(self):
        self.assert_faulted(self.gate, "getaddrinfo is seen after including event2/util.h of the original alone")

    def test_a_name_that_leaks_out(self):
        self.assert_faulted(self.gate, "LEAK is defined by our headers only")
        self.assert_faulted(self.gate, "LEAK is seen after including our event2/tag.h alone")

    def test_a_header_of_no_family(self):
        self.assert_faulted(self.gate, "event2/stray.h belongs to no family")

    def test_a_difference_that_is_none(self):
        self.assert_faulted(self.gate, "lists macro EV_READ, but it does not differ")


class ProbeTest(BrokenHeadersTest):
    BROKEN = (
        ("event2/event.h", r"#define EV_READ 0x02", "#define EV_READ 0x03"),
        ("event2/event.h", r"EVENT_DBG_ALL 0xffffffffu", "EVENT_DBG_ALL 0xffffffffll"),
        ("event2/event-config.h", r'EVENT__VERSION "2.1.12-stable"', 'EVENT__VERSION "2.1.13"'),
        ("event2/bufferevent.h", r"BEV_OPT_THREADSAFE = \(1 << 1\)", "BEV_OPT_THREADSAFE = (1 << 5)"),
        ("event2/event_struct.h", r"  evutil_socket_t ev_fd;", "  long padding;\n  evutil_socket_t ev_fd;"),
        ("event2/http_struct.h", r"unsigned chunked : 1, userdone : 1", "unsigned chunked : 2, userdone : 1"),
        ("event2/event.h", r"int event_base_loop\(struct event_base\* base, int flags\)",
         "int event_base_loop(struct event_base* base, unsigned flags)"),
        ("event2/event.h", r"event_new\(\(b\), -1, 0, \(cb\), \(arg\)\)",
         "event_new((b), -1, EV_PERSIST, (cb), (arg))"),
        ("event2/util.h", r"tv_usec >= 1000000", "tv_usec > 1000000"),
        ("event2/rpc.h", r"#define EVTAG_ASSIGN\(msg, member, value\) \(\*\(msg\)",
         "#define EVTAG_ASSIGN(msg, member, value) (&*(msg)"),
    )

    @staticmethod
    def run_gate(include):
        return probe.check(None, include, LIBEVENT)

    def test_a_macro_of_another_value(self):
        self.assert_faulted(self.gate, "original: macro EV_READ = 2 size 4 signed 1; ours: macro EV_READ = 3")

    def test_a_macro_of_another_type(self):
        self.assert_faulted(self.gate, "original: macro EVENT_DBG_ALL = 4294967295 size 4 signed 0; "
                                       "ours: macro EVENT_DBG_ALL = 4294967295 size 8")

    def test_a_string_of_another_text(self):
        self.assert_faulted(self.gate, "original: macro EVENT__VERSION = 2.1.12-stable; "
                                       "ours: macro EVENT__VERSION = 2.1.13")

    def test_an_enumerator_of_another_value(self):
        self.assert_faulted(self.gate, "original: BEV_OPT_THREADSAFE = 2; ours: BEV_OPT_THREADSAFE = 32")

    def test_a_structure_with_padding(self):
        self.assert_faulted(self.gate, "original: struct event size 128 align 8; ours: struct event size 136")

    def test_a_field_at_another_place(self):
        self.assert_faulted(self.gate, "original: struct event.ev_fd at 56 size 4; ours: struct event.ev_fd at 64")

    def test_a_bit_field_of_another_width(self):
        self.assert_faulted(self.gate, "struct evhttp_request.chunked bits")

    def test_a_function_of_another_type(self):
        self.assert_faulted(self.gate, "original: function event_base_loop same 1; "
                                       "ours: function event_base_loop same 0")

    def test_a_macro_that_does_something_else(self):
        self.assert_faulted(self.gate, "evtimer_new expands to")

    def test_a_rewritten_macro_that_computes_something_else(self):
        self.assert_faulted(self.gate, "libevent_macros.c with gcc")

    def test_a_macro_that_only_some_programs_see(self):
        self.assert_faulted(self.gate, "EVTAG_ASSIGN expands to")


class CompareGateTest(GateTest):
    def test_a_symbol_that_the_library_lost(self):
        registries = self.copy_of(REGISTRIES)
        # Present by the registry, but in no library of this tree.
        edit(registries + "/libevent.tsv", r"^(evrpc_free\t.*?\t)pending$", r"\1present")
        gate = compare_gate.check(BUILD, registries=registries, chosen=LIBEVENT)
        self.assert_faulted(gate, "evrpc_free")

    def test_a_type_that_changed(self):
        include = self.copy_of(INCLUDE)
        edit(include + "/event2/bufferevent_struct.h", r"  size_t low;\n  size_t high;", "  size_t low;\n  int high;")
        self.assert_faulted(compare_gate.check(BUILD, include, chosen=LIBEVENT), "types of libevent")

    def test_an_enumeration_that_changed(self):
        include = self.copy_of(INCLUDE)
        edit(include + "/event2/rpc.h", r"EVRPC_PAUSE = 1", "EVRPC_PAUSE = 2")
        self.assert_faulted(compare_gate.check(BUILD, include, chosen=LIBEVENT), "EVRPC_PAUSE")


class BinaryGateTest(GateTest):
    def setUp(self):
        super().setUp()
        self.libraries = self.work + "/lib"
        os.mkdir(self.libraries)
        for name in (ENGINE, *binary_gate.FACES):
            shutil.copy(os.path.join(BUILD, "lib", "pollshim", name), self.libraries)

    def check(self):
        return binary_gate.check(self.libraries, sanitized=False)

    def library(self, name, text, *flags, compiler="gcc"):
        """Takes the place of a library of ours."""
        source = os.path.join(self.work, "source.c" + ("c" if compiler == "g++" else ""))
        with open(source, "w") as file:
            file.write(text)
        path = os.path.join(self.libraries, name)
        os.unlink(path)
        soname = [] if any("soname" in flag for flag in flags) else ["-Wl,-soname," + name]
        subprocess.run([compiler, "-w", "-shared", "-fPIC", *soname, "-o", path, source, *flags], check=True)

    def test_a_library_that_needs_the_cxx_run_time(self):
        self.library(ENGINE, 'extern "C" int* make() { return new int; }', compiler="g++")
        gate = self.check()
        self.assert_faulted(gate, "needs libstdc++.so.6")
        self.assert_faulted(gate, "wants _Znwm of a C++ run-time library")

    def test_a_library_that_exports_a_mangled_name(self):
        self.library(ENGINE, "namespace inside { int leak() { return 1; } }", compiler="g++")
        self.assert_faulted(self.check(), "exports the mangled name _ZN6inside4leakEv")

    def test_a_library_with_symbol_versions(self):
        script = os.path.join(self.work, "versions")
        with open(script, "w") as file:
            file.write("SHIM_1 { global: one; };")
        self.library(ENGINE, "int one(void) { return 1; }", "-Wl,--version-script=" + script)
        self.assert_faulted(self.check(), "gives its symbols versions: SHIM_1")

    def test_a_library_under_a_wrong_name(self):
        self.library(ENGINE, "int one(void) { return 1; }", "-Wl,-soname,libother.so.1")
        self.assert_faulted(self.check(), "calls itself 'libother.so.1'")

    def test_a_library_with_an_executable_stack(self):
        self.library(ENGINE, "int one(void) { return 1; }", "-Wl,-z,execstack")
        self.assert_faulted(self.check(), "has a stack of flags 'RWE'")

    def test_a_library_with_text_relocations(self):
        self.library(ENGINE, "extern int there; __asm__(\".text\\n.quad there\\n\"); int one(void) { return 1; }",
                     "-Wl,-z,notext")
        self.assert_faulted(self.check(), "has text relocations")

    def test_a_library_with_a_run_path_of_its_own(self):
        self.library(ENGINE, "int one(void) { return 1; }", "-Wl,-rpath,/opt", "-Wl,--enable-new-dtags")
        self.assert_faulted(self.check(), "has the run path '/opt'")

    def test_a_face_that_does_not_need_the_engine(self):
        self.library("libevent-2.1.so.7", "int one(void) { return 1; }")
        gate = self.check()
        self.assert_faulted(gate, "libevent-2.1.so.7 does not need " + ENGINE)
        self.assert_faulted(gate, "libevent-2.1.so.7 does not stand for " + ENGINE)
        self.assert_faulted(gate, "libevent-2.1.so.7 exports one")

    def test_a_face_that_is_gone(self):
        os.unlink(self.libraries + "/libevent_extra-2.1.so.7")
        self.assert_faulted(self.check(), "there is no libevent_extra-2.1.so.7")


class CompileGateTest(GateTest):
    def broken(self, header, pattern, replacement):
        include = self.copy_of(INCLUDE)
        edit(os.path.join(include, header), pattern, replacement)
        return include

    def check(self, header, pattern, replacement):
        gate = compile_gate.Gate("test")
        originals = os.path.join(self.work, "originals")
        compile_gate.headers_alone(gate, self.broken(header, pattern, replacement),
                                   compile_gate.copy_of_originals(originals), {header})
        return gate

    def test_a_header_that_draws_a_warning(self):
        self.assert_faulted(self.check("event2/tag.h", r"void evtag_init\(void\);", "void evtag_init(void);;"),
                            "event2/tag.h, gcc -std=c99")

    def test_a_header_that_c_plus_plus_cannot_read(self):
        self.assert_faulted(self.check("event2/tag.h", r"void evtag_init\(void\);", "void evtag_init(void); struct keyword { int class; };"),
                            "event2/tag.h, g++ -std=c++11")

    def test_a_name_that_programs_use(self):
        include = self.broken("event2/event_compat.h", r"#define timeout_pending", "#define timeout_panding")
        gate = compile_gate.Gate("test")
        compile_gate.programs(gate, include, PROGRAMS)
        self.assert_faulted(gate, "old_and_new.c, gcc -std=c99, our headers")

    def test_a_lost_format_attribute(self):
        include = self.broken("event2/util.h", r"__attribute__\(\(format\(printf, 3, 4\)\)\)", "")
        gate = compile_gate.Gate("test")
        compile_gate.refused(gate, include, PROGRAMS + "/refused")
        self.assert_faulted(gate, "printf_format.c draws no -Wformat from gcc with our headers")


class LinkGateTest(GateTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(BUILD, "lib", "pollshim"), self.work + "/lib", symlinks=True)
        self.libraries = self.work + "/lib"
        self.gate = link_gate.Gate("test")

    def test_a_link_name_that_leads_to_the_engine(self):
        os.unlink(self.libraries + "/libevent.so")
        os.symlink(ENGINE, self.libraries + "/libevent.so")
        link_gate.cross_libevent(self.gate, self.libraries, self.work)
        self.assert_faulted(self.gate, "linked with ours library, a program needs " + ENGINE)

    def test_a_stub_that_is_loaded_and_leads_nowhere(self):
        shutil.copy(self.libraries + "/libevent-2.1.so.7", self.libraries + "/pollshim-link/libevent.so")
        link_gate.by_hand(self.gate, self.libraries, self.work)
        self.assert_faulted(self.gate, "pollshim-link/libevent.so loaded by hand")

    def test_a_face_that_comes_too_late_in_the_order_of_lookup(self):
        for name in ("libevent-2.1.so.7", "libevent_core-2.1.so.7"):
            os.unlink(os.path.join(self.libraries, name))
            subprocess.run(["gcc", "-shared", "-nostdlib", "-Wl,-soname," + name, "-Wl,--no-as-needed",
                            "-o", os.path.join(self.libraries, name), os.path.join(self.libraries, ENGINE),
                            "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"], check=True)
        link_gate.order(self.gate, self.libraries, self.work)
        self.assert_faulted(self.gate, "-levent -lev: events of 2.1.12-stable")

    def test_a_library_that_ldconfig_takes_for_another(self):
        # As the stubs would be, if they lay beside the faces.
        os.unlink(self.libraries + "/libevent.so")
        shutil.copy(self.libraries + "/pollshim-link/libevent.so", self.libraries + "/libevent.so.9")
        os.unlink(self.libraries + "/libevent-2.1.so.7")
        link_gate.linker_cache(self.gate, self.libraries, self.work)
        self.assert_faulted(self.gate, "ldconfig makes libevent-2.1.so.7 libevent.so.9")

    def test_a_face_that_is_missing(self):
        os.unlink(self.libraries + "/libevent_core-2.1.so.7")
        link_gate.one_engine(self.gate, self.libraries, self.work)
        self.assert_faulted(self.gate, "three faces: libevent_core-2.1.so.7 => /")


if __name__ == "__main__":
    BUILD = os.path.join(ROOT, sys.argv.pop(1))
    unittest.main()
