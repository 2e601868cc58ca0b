/*
 * `tailrace retry [TABLE...]`: asks for the messages that were set aside to be read once more. The request goes
 * through the state store, to the process that runs or to the next one.
 */
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

static int request(struct ends *e, const struct mirrored *m)
{
	const char *why = hindrance(m->stream);
	struct error err = {0};

	if (why) {
		fprintf(stderr, "tailrace: %s of stream %s %s\n", m->name, m->stream->name, why);
		return FAILED;
	}
	if (m->status == TABLE_DROPPED || m->status == TABLE_EXCLUDED) {
		fprintf(stderr, "tailrace: %s is %s: nothing is written to it\n", m->name,
			m->status == TABLE_DROPPED ? "gone in the source"
						   : "not selected by the configuration");
		return FAILED;
	}
	if (!state_request(e->state, "retry", m->stream->name, m->target, &err))
		return failed(&err);
	int pid = state_runner(e->state);
	if (pid)
		printf("what is set aside of %s of stream %s will be read again by the running "
		       "process %d, whose log says what came of it\n",
			m->name, m->stream->name, pid);
	else
		printf("what is set aside of %s of stream %s will be read again by the next "
		       "`tailrace run`; none runs now\n",
			m->name, m->stream->name);
	return DONE;
}

static int request_all(struct ends *e, const char *stream)
{
	struct mirrored_tables all = {0};
	struct error err = {0};
	int code = DONE;
	bool any = false;

	if (!mirrored_all(e, stream, &all, &err))
		code = failed(&err);
	for (size_t i = 0; code == DONE && i < all.len; i++) {
		const struct mirrored *m = &all.items[i];
		if (!m->set_aside || hindrance(m->stream) || m->status == TABLE_DROPPED ||
			m->status == TABLE_EXCLUDED)
			continue;
		any = true;
		code = request(e, m);
	}
	if (code == DONE && !any)
		printf("nothing has been set aside of tables that are read from Kafka\n");
	vec_release(&all);
	return code;
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
	.help = "TABLE is public.orders, or its name in the target; without one, all tables\n"
		"that messages were set aside of. For streams from Kafka into ClickHouse: the\n"
		"messages are taken from the table _set_aside, so their topic need not have\n"
		"them any more. What can be read now is written, and newer rows of a key stay;\n"
		"what cannot stays set aside, with the reason that it has now. The process\n"
		"that runs takes the request up at once; otherwise the next one does.\n",
	.flags = flags,
	.run = retry,
};
