/* What differs between two Avro schemas, for people. */
#ifndef CLIENTS_REGISTRY_DIFF_H
#define CLIENTS_REGISTRY_DIFF_H

#include "base/buf.h"

/* Appends "added a (long); removed b (string); changed c from int to long", at most `most` fields; nothing when the
 * fields are the same or a text is no schema. */
void registry_diff(const char *before, const char *after, size_t most, struct buf *out);

#endif
