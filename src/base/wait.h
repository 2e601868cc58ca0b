/* Condition variables whose waits end by the monotonic clock, whatever is done to the wall's. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

void wait_init(pthread_cond_t *);
/* For pthread_cond_timedwait() of such a one; below 0 is now. */
struct timespec deadline_in(int64_t ms);

#endif
