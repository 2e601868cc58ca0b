/*
 * Backoff; see backoff.h. The jitter takes at most a quarter away, so each wait is longer than the
 * one before until the ceiling, and streams that failed together do not come back together.
 */
#include "base/backoff.h"

#include <stdint.h>
#include <sys/random.h>
#include "base/clock.h"

#define FIRST_MS   100
#define LONGEST_MS 30000

void backoff_reset(struct backoff *b)
{
	b->next_ms = 0;
}

void backoff_at_least(struct backoff *b, int ms)
{
	if (b->next_ms < ms)
		b->next_ms = ms;
}

int backoff_next_ms(struct backoff *b)
{
	uint32_t random;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
		random = (uint32_t)mono_us(); /* early at boot: any spread will do */
	int ms = b->next_ms ? b->next_ms : FIRST_MS;
	b->next_ms = ms < LONGEST_MS / 2 ? ms * 2 : LONGEST_MS;
	return ms - (int)(random % (unsigned)(ms / 4));
}
