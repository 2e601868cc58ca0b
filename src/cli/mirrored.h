/* Tables of the streams by the names that people give them; the state store knows them. */
#ifndef CLI_MIRRORED_H
#define CLI_MIRRORED_H

#include "cli/ends.h"

struct mirrored {
	const struct stream_config *stream;
	char target[sizeof((struct table_state *)0)->target];
	char name[192]; /* with its schema */
	enum table_status status;
};
VEC_TYPE(mirrored_tables, struct mirrored);

/* The one that `name` stands for; `stream`: its name, or NULL. Else says why not; the exit code. */
int mirrored_find(struct ends *e, const char *command, const char *stream, const char *name,
	struct mirrored *out);
/* All of them, or those of a stream. */
MUST_CHECK bool mirrored_all(
	struct ends *e, const char *stream, struct mirrored_tables *out, struct error *err);

#endif
