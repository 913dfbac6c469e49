/*
 * A user of libevent for the command's tests. It receives its first word of standard input through
 * a loop, then prints what it is asked for: `say WORD...`, `maps` (which libevent and libev files
 * it has mapped), `method`, `environment NAME`; and ends as asked: `exit N`, `kill N`. Compiled
 * with LOAD_LATE it loads libevent with dlopen.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#ifdef LOAD_LATE
static void* library;
#define CALL(name) ((__typeof__(&name))dlsym(library, #name))
#else
#define CALL(name) name
#endif

static char input[100];

static void on_input(evutil_socket_t fd, short what, void* context) {
  (void)what;
  (void)context;
  ssize_t length = read(fd, input, sizeof input - 1);
  if (length > 0) input[strcspn(input, "\n")] = '\0';
}

static void print_maps(void) {
  char line[4096], last[4096] = "";
  FILE* maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) != NULL) {
    char* file = strchr(line, '/');
    if (file == NULL || strcmp(file, last) == 0) continue;
    strcpy(last, file);
    if (strncmp(strrchr(file, '/'), "/libev", 6) == 0) fputs(file, stdout);
  }
  fclose(maps);
}

int main(int argc, char** argv) {
#ifdef LOAD_LATE
  library = dlopen("libevent_core-2.1.so.7", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return 90;
#endif
  int ends[2];
  if (pipe(ends) != 0) return 91;
  ssize_t length = read(STDIN_FILENO, input, sizeof input - 1);
  if (write(ends[1], length > 0 ? input : "nothing", length > 0 ? (size_t)length : 7) < 0)
    return 92;
  memset(input, 0, sizeof input);
  struct event_base* base = CALL(event_base_new)();
  struct event* event = CALL(event_new)(base, ends[0], EV_READ, on_input, NULL);
  if (CALL(event_add)(event, NULL) != 0 || CALL(event_base_dispatch)(base) < 0) return 93;
  printf("input %s\n", input);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "maps") == 0) print_maps();
    if (strcmp(argv[i], "method") == 0) printf("method %s\n", CALL(event_base_get_method)(base));
    if (strcmp(argv[i], "name") == 0) printf("name %s\n", argv[0]);
    if (strcmp(argv[i], "say") == 0) {
      while (++i < argc)
        printf("[%s]\n", argv[i]);
    } else if (strcmp(argv[i], "environment") == 0 && i + 1 < argc) {
      const char* value = getenv(argv[++i]);
      printf("%s=%s\n", argv[i], value != NULL ? value : "(unset)");
    } else if (strcmp(argv[i], "exit") == 0 && i + 1 < argc) {
      return atoi(argv[i + 1]);
    } else if (strcmp(argv[i], "kill") == 0 && i + 1 < argc) {
      fflush(stdout);
      kill(getpid(), atoi(argv[i + 1]));
    }
  }
  CALL(event_free)(event);
  CALL(event_base_free)(base);
  return 0;
}
