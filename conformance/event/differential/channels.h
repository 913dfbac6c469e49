/* The descriptors that programs watch: socket pairs and pipes at numbers of their own, so that both
 * processes use the same ones whatever their library opened before.  Knows no library. */
#ifndef CONFORMANCE_EVENT_DIFFERENTIAL_CHANNELS_H
#define CONFORMANCE_EVENT_DIFFERENTIAL_CHANNELS_H

/* The number of one side of a channel, open or not. */
int channel_fd(int channel, int side);
int channel_is_open(int channel);
/* Opens the channel; over one that is open, both numbers change their owner in an instant. */
void channel_open(int channel, int is_pipe);
void channel_close(int channel);

#endif
