/*
 * An error says what went wrong, and its kind says what to do about it. The caller owns the struct;
 * it is the last parameter of every function that can fail. Low code sets, the middle adds context
 * in front, and one place (pipeline, http or cli) decides and logs.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include "base/attrs.h"

enum error_kind {
	ERROR_NONE,
	/* the user's configuration is wrong, or he is refused: stop, exit code 2; a stream that has worked asks
	 * again, slowly */
	ERROR_CONFIG,
	ERROR_RETRY,  /* the other side is away or busy: back off and try again */
	ERROR_DATA,   /* this value or row cannot be taken: set it aside */
	ERROR_TABLE,  /* this table cannot go on: mark it broken, copy it anew once it is mended */
	ERROR_GAP,    /* the source's log no longer holds what is needed: on_gap decides */
	ERROR_BROKEN, /* cannot go on without a person: stop the stream */
};

struct error {
	enum error_kind kind;
	char text[1024];
};

/* Both return false, so that "return error_set(...)" reads as it should. NULL err is allowed.
 * error_add() puts "context: " in front. */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF(3, 4);
bool error_add(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* What sets a row aside or breaks its table, and stops nothing else. */
static inline bool error_is_of_table(const struct error *err)
{
	return err->kind == ERROR_TABLE || err->kind == ERROR_DATA;
}

void error_clear(struct error *err);
const char *error_kind_name(enum error_kind kind);

#endif
