/*
 * The descriptors that a program watches: both ends of a few pipes and a file, at numbers that no
 * library takes for itself.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_PIPES_H
#define CONFORMANCE_EV_DIFFERENTIAL_PIPES_H

enum { PIPES = 4, FIRST_FD = 100, FILE_FD = 150 };

int reader_of(int pipe_number);
int writer_of(int pipe_number);

void open_pipes_and_file(void);
/* Closes both ends and gives other files their numbers. */
void reopen_pipe(int pipe_number);
void empty_pipes(void);

#endif
