/* A face: a library with one of the original's SONAMEs, no symbol, and the engine as its only need.
 * Whatever a process loads under that name, it gets the one engine. The name is all there is to a
 * face, so this file has nothing to say but who made it. */
__asm__(".ident \"pollshim\"");
