/*
 * `tailrace retry [TABLE...]`: asks for the messages that were set aside to be read once more. The request goes
 * through the state store, to the process that runs or to the next one.
 */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/mirrored.h"

enum { FLAG_STREAM };
static const struct flag flags[] = {
	{"stream", "NAME", "where several streams have the table: which"},
	{0},
};

/* Why what is set aside of the stream cannot be read once more; NULL: it can. */
static const char *hindrance(const struct stream_config *stream)
{
	if (!stream->from->source->retry)
		return "is read from a database, which has the rows: mend the value there, or the "
		       "configuration and restart, and the row comes by itself";
	if (!stream->to->sink->asides)
		return "goes into topics, and what is set aside stands on a topic as well: read it "
		       "there, and write the mended message to the topic that the table is read "
		       "from, or `tailrace resync` the table";
	return NULL;
}

static bool is_written_to(const struct mirrored *m)
{
	return m->status != TABLE_DROPPED && m->status != TABLE_EXCLUDED;
}

static void say(struct ends *e, const char *of)
{
	int pid = state_runner(e->state);

	if (pid)
		printf("what is set aside of %s will be read again by the running process %d, "
		       "whose log says what came of it\n",
			of, pid);
	else
		printf("what is set aside of %s will be read again by the next `tailrace run`; "
		       "none runs now\n",
			of);
}

static int request(struct ends *e, const struct mirrored *m)
{
	const char *why = hindrance(m->stream);
	struct error err = {0};

	if (why) {
		fprintf(stderr, "tailrace: %s of stream %s %s\n", m->name, m->stream->name, why);
		return FAILED;
	}
	if (!is_written_to(m)) {
		fprintf(stderr, "tailrace: %s is %s: nothing is written to it\n", m->name,
			m->status == TABLE_DROPPED ? "gone in the source"
						   : "not selected by the configuration");
		return FAILED;
	}
	if (!state_request(e->state, "retry", m->stream->name, m->target, &err))
		return failed(&err);
	say(e, arena_printf(&e->arena, "%s of stream %s", m->name, m->stream->name));
	return DONE;
}

/* The state store counts what this process has set aside: others of its group may have, too. */
static int request_all(struct ends *e, const char *stream)
{
	struct mirrored_tables all = {0};
	struct error err = {0};
	size_t n = 0;

	bool ok = mirrored_all(e, stream, &all, &err);
	for (size_t i = 0; ok && i < all.len; i++) {
		const struct mirrored *m = &all.items[i];
		if (hindrance(m->stream) || !is_written_to(m))
			continue;
		ok = state_request(e->state, "retry", m->stream->name, m->target, &err);
		n++;
	}
	vec_release(&all);
	if (!ok)
		return failed(&err);
	if (n)
		say(e, arena_printf(&e->arena, "%zu table%s", n, plural(n)));
	else
		printf("no table is read from Kafka into ClickHouse yet\n");
	return DONE;
}

static int retry(const struct call *call)
{
	const char *stream = call->flags[FLAG_STREAM];
	struct ends ends;
	struct mirrored table;
	struct error err = {0};
	int code = DONE;

	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	if (!call->n_args)
		code = request_all(&ends, stream);
	for (int i = 0; code == DONE && i < call->n_args; i++) {
		code = mirrored_find(&ends, "retry", stream, call->args[i], &table);
		if (code == DONE)
			code = request(&ends, &table);
	}
	ends_close(&ends);
	return code;
}

const struct command retry_command = {
	.name = "retry",
	.args = "[TABLE...]",
	.min_args = 0,
	.max_args = -1,
	.summary = "read again the messages that were set aside, once the cause is mended",
	.help = "TABLE is public.orders, or its name in the target; without one, all tables.\n"
		"For streams from Kafka into ClickHouse: the messages are taken from the table\n"
		"_set_aside, so their topic need not have them any more. What can be read now\n"
		"is written, and newer rows of a key stay; what cannot stays set aside, with\n"
		"the reason that it has now. The process that runs takes the request up at\n"
		"once; otherwise the next one does.\n",
	.flags = flags,
	.run = retry,
};
