/*
 * Commands as models: a program that makes something, run in the project's folder with the rendered file as its
 * standard input. The environment tells what is to be made; what it says goes into the log of the attempt.
 */
#include <unistd.h>
#include "base/clock.h"
#include "base/vec.h"
#include "build/making.h"
#include "build/process.h"
#include "models/template/value.h"

#define MOST_LOG_BYTES ((size_t)1 << 20)

VEC_TYPE(strings, const char *);

static void take_line(void *context, const char *line)
{
	struct work *w = context;

	if (w->log.len < MOST_LOG_BYTES)
		work_log(w, "%s", line);
}

/* A list is a program and its arguments; a text goes to the shell. */
static bool read_command(const struct making *m, struct strings *out, struct error *err)
{
	struct value v = config_value(m, "command");
	struct texts texts = config_texts(m, "command");

	if (!texts.n)
		return config_wrong(m, "command", err,
			"materialized 'exec' needs a 'command': a list of a program and its "
			"arguments, or a text "
			"for the shell");
	if (v.kind == VALUE_STRING) {
		vec_push(out, "/bin/sh");
		vec_push(out, "-c");
	}
	for (size_t i = 0; i < texts.n; i++)
		vec_push(out, texts.items[i]);
	vec_push(out, NULL);
	return true;
}

static void add_variable(
	const struct making *m, struct strings *out, const char *name, const char *value)
{
	vec_push(out, arena_printf(m->w->arena, "%s=%s", name, value));
}

static void add_times(const struct making *m, struct strings *out)
{
	const struct work *w = m->w;
	char from[32], to[32];

	if (w->from_us == TIME_MIN || w->to_us == TIME_MAX)
		return;
	format_utc(w->from_us, from);
	format_utc(w->to_us, to);
	add_variable(m, out, "TAILRACE_PARTITION_START", from);
	add_variable(m, out, "TAILRACE_PARTITION_END", to);
}

/* Ours, then what the model adds, before all that is there: the first of a name counts. */
static void read_environment(const struct making *m, struct strings *out)
{
	struct value more = config_value(m, "env");
	struct arena *a = m->w->arena;
	size_t at = 0;

	add_variable(m, out, "TAILRACE_ASSET", m->w->node->id);
	add_variable(m, out, "TAILRACE_DATABASE", m->target.database);
	add_variable(m, out, "TAILRACE_TABLE", m->target.name);
	add_variable(m, out, "TAILRACE_PARTITION", m->w->partition);
	add_variable(m, out, "TAILRACE_FULL_REFRESH", m->w->full_refresh ? "1" : "0");
	add_variable(m, out, "TAILRACE_RUN", arena_printf(a, "%lld", (long long)m->w->built.run));
	add_variable(m, out, "TAILRACE_ATTEMPT", arena_printf(a, "%d", m->w->attempt));
	add_times(m, out);
	if (more.kind == VALUE_DICT)
		for (struct dict_entry *entry; (entry = dict_next(more.dict, &at));)
			if (entry->key.kind == VALUE_STRING && entry->value.kind == VALUE_STRING)
				add_variable(m, out, value_strdup(a, entry->key),
					value_strdup(a, entry->value));
	for (char **it = environ; *it; it++)
		vec_push(out, *it);
	vec_push(out, NULL);
}

bool make_exec(struct making *m, struct error *err)
{
	struct strings command = {0}, environment = {0};
	struct work *w = m->w;

	bool ok = making_compile(m, false, err) && read_command(m, &command, err);
	if (ok) {
		read_environment(m, &environment);
		const struct process process = {.argv = command.items,
			.env = environment.items,
			.folder = w->folder,
			.input = w->select,
			.deadline_ms = w->deadline_ms,
			.cancelled = w->cancelled,
			.line = take_line,
			.context = w};
		ok = process_run(&process, err) || error_add(err, "%s", w->node->path);
	}
	making_message(m, "command");
	vec_release(&command);
	vec_release(&environment);
	return ok && swap_end(m, (struct relation_name){0}, RELATION_ABSENT, err);
}
