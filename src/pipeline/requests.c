/* What other processes ask of the one that runs, a table at a time: to copy it anew (resync), or to try again what
 * was set aside of it (retry). A request that cannot be seen to yet stays in the state store. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "pipeline/stream.h"

static bool is_named(const struct table *table, const char *name)
{
	size_t schema_len = strlen(table->schema);

	if (strcmp(table->target, name) == 0)
		return true;
	return strncmp(name, table->schema, schema_len) == 0 && name[schema_len] == '.' &&
	       strcmp(name + schema_len + 1, table->name) == 0;
}

/* A table that cannot be copied anew goes on as it is. */
static bool resync(struct stream *s, struct mirror *m, const struct request *request, bool *done,
	struct error *err)
{
	(void)request, (void)done;
	if (m->status == TABLE_DROPPED || m->table->problem || m->recopy_at)
		return true;
	if (mirror_retold(s, m, err))
		return mirror_recopy(s, m, "resync was asked for", err);
	if (!error_is_of_table(err))
		return false;
	log_warn("a table is not copied anew", F("stream", s->settings->name),
		F("table", m->table->target), F("reason", err->text));
	error_clear(err);
	return true;
}

typedef bool answer_fn(
	struct stream *, struct mirror *, const struct request *, bool *done, struct error *);

static bool answer(
	struct stream *s, answer_fn *fn, const struct request *request, struct error *err)
{
	bool ok = true, found = false, done = true;

	for (size_t i = 0; ok && i < s->mirrors.len; i++) {
		struct mirror *m = s->mirrors.items[i];
		if (m->replaced || !is_named(m->table, request->table))
			continue;
		found = true;
		ok = fn(s, m, request, &done, err);
	}
	if (!found)
		log_warn("what was asked for is of a table that is not mirrored",
			F("request", request->kind), F("stream", request->stream),
			F("table", request->table));
	return ok && (!done || state_request_done(s->state, request->id, err));
}

static bool take(struct stream *s, const struct request *request, struct error *err)
{
	if (strcmp(request->stream, s->settings->name) != 0)
		return true;
	if (strcmp(request->kind, "resync") == 0)
		return answer(s, resync, request, err);
	return strcmp(request->kind, "retry") != 0 || answer(s, retry_begin, request, err);
}

bool requests_take(struct stream *s, struct error *err)
{
	struct requests requests = {0};
	bool ok = state_requests(s->state, &requests, err);

	for (size_t i = 0; ok && i < requests.len; i++)
		ok = take(s, &requests.items[i], err);
	free(requests.items);
	return ok;
}
