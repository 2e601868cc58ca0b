/* Floats in the fewest digits that read back as the same number. */
#ifndef FORMATS_PGTYPE_SHORTEST_H
#define FORMATS_PGTYPE_SHORTEST_H

#include <stdint.h>

/* The value is digits * 10^exponent. */
struct shortest {
	uint64_t digits; /* the last is not 0 */
	int exponent;
};

/* Of a finite number above 0: the nearest of the shortest. */
struct shortest shortest_double(double v);
struct shortest shortest_float(float v);

#endif
