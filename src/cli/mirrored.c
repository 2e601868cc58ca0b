/* Tables by the names that people give them; see mirrored.h. */
#include "cli/mirrored.h"

#include <string.h>
#include "cli/cli.h"

static bool add_tables(struct ends *e, const struct stream_config *stream, const char *name,
	struct mirrored_tables *out, struct error *err)
{
	struct table_states tables;

	if (!state_tables(e->state, stream->name, &tables, err))
		return false;
	vec_each (&tables, t) {
		struct mirrored table = {.stream = stream, .status = t->status};
		snprintf(table.target, sizeof table.target, "%s", t->target);
		snprintf(table.name, sizeof table.name, "%s.%s", t->schema, t->name);
		if (!name || table_state_is_called(t, name) || strcmp(t->name, name) == 0)
			vec_push(out, table);
	}
	table_states_release(&tables);
	return true;
}

static bool find(struct ends *e, const char *stream, const char *name, struct mirrored_tables *out,
	struct error *err)
{
	bool known = !stream;

	for (size_t i = 0; i < e->config.n_streams; i++) {
		if (stream && strcmp(stream, e->config.streams[i].name) != 0)
			continue;
		known = true;
		if (!add_tables(e, &e->config.streams[i], name, out, err))
			return false;
	}
	return known ||
	       error_set(err, ERROR_CONFIG, "%s has no stream '%s'", e->config.path, stream);
}

bool mirrored_all(
	struct ends *e, const char *stream, struct mirrored_tables *out, struct error *err)
{
	return find(e, stream, NULL, out, err);
}

static int not_found(struct ends *e, const char *stream, const char *name)
{
	struct mirrored_tables all = {0};
	VEC(const char *) names = {0};
	struct error err = {0};

	if (!find(e, stream, NULL, &all, &err)) {
		vec_release(&all);
		return failed(&err);
	}
	vec_each (&all, table)
		vec_push(&names, table->name);
	vec_push(&names, NULL);
	const char *near = nearest_name(name, names.items);
	if (!all.len)
		fprintf(stderr,
			"tailrace: no table is mirrored yet by %s; `tailrace run` begins with a "
			"copy of each\n",
			e->config.path);
	else if (near)
		fprintf(stderr, "tailrace: no table '%s'; did you mean '%s'?\n", name, near);
	else
		fprintf(stderr, "tailrace: no table '%s'; `tailrace status` lists them\n", name);
	vec_release(&names);
	vec_release(&all);
	return WRONG_USE;
}

static int several(const struct mirrored_tables *found, const char *command, const char *name)
{
	fprintf(stderr,
		"tailrace: '%s' is the name of several; say which, with its schema or --stream:\n",
		name);
	vec_each (found, it)
		fprintf(stderr, "  tailrace %s %s --stream %s\n", command, it->name,
			it->stream->name);
	return WRONG_USE;
}

int mirrored_find(struct ends *e, const char *command, const char *stream, const char *name,
	struct mirrored *out)
{
	struct mirrored_tables found = {0};
	struct error err = {0};
	int code = DONE;

	if (!find(e, stream, name, &found, &err))
		code = failed(&err);
	else if (!found.len)
		code = not_found(e, stream, name);
	else if (found.len > 1)
		code = several(&found, command, name);
	else
		*out = found.items[0];
	vec_release(&found);
	return code;
}
