/* Exponential backoff with jitter: 100 ms, doubling, to 30 s; a success resets it. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

struct backoff {
	int next_ms;
};

void backoff_reset(struct backoff *b);
void backoff_at_least(struct backoff *b, int ms); /* the next wait, and those after it */
int backoff_next_ms(struct backoff *b);           /* how long to wait now; the next one is longer */

#endif
