/*
 * JSON documents, written to the end of a buffer as one would write them down: each put is a member of the
 * object that is open, or, with a key of NULL, an element of the array or the document itself. The comma before
 * it is set by what stands before it. Brackets are closed by buf_puts(); that they match is the caller's.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

void json_put_key(struct buf *, const char *key); /* and the comma; the value is to be appended */
void json_put_open(struct buf *, const char *key, char bracket);
void json_put_text(struct buf *, const char *key, const char *text); /* NULL: null */
void json_put_raw(
	struct buf *, const char *key, const char *document); /* JSON already; NULL: null */
void json_put_int(struct buf *, const char *key, int64_t);
void json_put_uint(struct buf *, const char *key, uint64_t);
void json_put_decimal(
	struct buf *, const char *key, double); /* with three digits behind the point */
void json_put_bool(struct buf *, const char *key, bool);
void json_put_utc(struct buf *, const char *key, int64_t us); /* as format_utc() has it; 0: null */

#endif
