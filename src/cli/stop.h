/* Ctrl-C and SIGTERM ask for a clean end; a second one does not wait for it. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdatomic.h>

extern atomic_bool stop_asked;
void stop_on_signals(void);

#endif
