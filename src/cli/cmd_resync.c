/*
 * `tailrace resync TABLE`: asks for a table to be copied anew. The request goes through the state store, to the
 * process that runs or to the next one.
 */
#include <string.h>
#include "cli/cli.h"
#include "cli/ends.h"

enum { FLAG_STREAM };
static const struct flag flags[] = {
	{"stream", "NAME", "where several streams have the table: which"},
	{0},
};

struct match {
	const char *stream;
	char target[sizeof((struct table_state *)0)->target];
	char name[192];
	enum table_status status;
};
VEC_TYPE(matches, struct match);

/* Tables of that name in the streams asked for; the names of all go to `known`. */
static bool find(struct ends *e, const char *only, const char *name, struct matches *out,
	struct arena *arena, const char ***known, struct error *err)
{
	VEC(const char *) names = {0};
	bool ok = true;
	for (size_t i = 0; ok && i < e->config.n_streams; i++) {
		const char *stream = e->config.streams[i].name;
		struct table_states tables = {0};
		if (only && strcmp(only, stream) != 0)
			continue;
		ok = state_tables(e->state, stream, &tables, err);
		vec_each (&tables, t) {
			struct match match = {.stream = stream, .status = t->status};
			snprintf(match.target, sizeof match.target, "%s", t->target);
			snprintf(match.name, sizeof match.name, "%s.%s", t->schema, t->name);
			vec_push(&names, arena_strdup(arena, match.name));
			if (table_state_is_called(t, name) || strcmp(t->name, name) == 0)
				vec_push(out, match);
		}
		table_states_release(&tables);
	}
	vec_push(&names, NULL);
	*known = names.items;
	return ok;
}

static int not_found(const struct ends *e, const char *name, const char *const *known)
{
	const char *near = nearest_name(name, known);
	if (!*known)
		fprintf(stderr,
			"tailrace: no table is mirrored yet by %s; `tailrace run` begins with a "
			"copy of each\n",
			e->config.path);
	else if (near)
		fprintf(stderr, "tailrace: no table '%s'; did you mean '%s'?\n", name, near);
	else
		fprintf(stderr, "tailrace: no table '%s'; `tailrace status` lists them\n", name);
	return WRONG_USE;
}

static int several(const struct matches *found, const char *name)
{
	fprintf(stderr,
		"tailrace: '%s' is the name of several; say which, with its schema or --stream:\n",
		name);
	vec_each (found, it)
		fprintf(stderr, "  tailrace resync %s --stream %s\n", it->name, it->stream);
	return WRONG_USE;
}

static int request(struct ends *e, const struct match *m)
{
	struct error err = {0};
	if (m->status == TABLE_DROPPED || m->status == TABLE_EXCLUDED) {
		fprintf(stderr, "tailrace: %s is %s: there is nothing to copy\n", m->name,
			m->status == TABLE_DROPPED ? "gone in the source"
						   : "not selected by the configuration");
		return FAILED;
	}
	if (!state_request(e->state, "resync", m->stream, m->target, &err))
		return failed(&err);
	int pid = state_runner(e->state);
	if (pid)
		printf("%s of stream %s will be copied anew by the running process %d; "
		       "`tailrace status` shows how far it is\n",
			m->name, m->stream, pid);
	else
		printf("%s of stream %s will be copied anew by the next `tailrace run`; none "
		       "runs now\n",
			m->name, m->stream);
	return DONE;
}

static bool knows_stream(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_streams; i++)
		if (strcmp(config->streams[i].name, name) == 0)
			return true;
	return false;
}

static int resync(const struct call *call)
{
	struct ends ends;
	struct matches found = {0};
	struct error err = {0};
	const char *only = call->flags[FLAG_STREAM], *name = call->args[0], **known = NULL;
	int code;

	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	if (only && !knows_stream(&ends.config, only))
		code = wrong_use("%s has no stream '%s'", ends.config.path, only);
	else if (!find(&ends, only, name, &found, &ends.arena, &known, &err))
		code = failed(&err);
	else if (!found.len)
		code = not_found(&ends, name, known);
	else if (found.len > 1)
		code = several(&found, name);
	else
		code = request(&ends, &found.items[0]);
	free(known);
	vec_release(&found);
	ends_close(&ends);
	return code;
}

const struct command resync_command = {
	.name = "resync",
	.args = "TABLE",
	.min_args = 1,
	.max_args = 1,
	.summary = "copy a table anew beside the old one, then exchange them",
	.help = "TABLE is public.orders, or its name in the target. What people read stays as\n"
		"it is until the new copy is complete. A table that is broken comes back this\n"
		"way. The process that runs takes the request up at once; otherwise the next\n"
		"one does.\n",
	.flags = flags,
	.run = resync,
};
