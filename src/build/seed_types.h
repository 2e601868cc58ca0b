/*
 * The type of a seed's column, told from its values: a whole number, a number, true and false, a date, a time, or text.
 * What a type would not give back as it is written stays text: 007, +49, 1e400, a number of 20 digits.
 */
#ifndef BUILD_SEED_TYPES_H
#define BUILD_SEED_TYPES_H

#include <stdbool.h>

struct seed_type {
	unsigned isnt;  /* the kinds that some value is not of; a bit each */
	bool any;       /* some value was seen */
	bool has_empty; /* empty cells: NULL */
	bool has_null;  /* the word null, which is one in columns that are no text */
	bool wide_date; /* some date that the short type does not hold */
};

void seed_type_see(struct seed_type *t, const char *cell);
/* "Nullable(Int64)" */
const char *seed_type_name(const struct seed_type *t);
bool seed_type_is_text(const struct seed_type *t);
bool is_null_word(const char *cell);

#endif
