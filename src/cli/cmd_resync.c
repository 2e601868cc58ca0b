/*
 * `tailrace resync TABLE`: asks for a table to be copied anew. The request goes through the state store, to the
 * process that runs or to the next one.
 */
#include "cli/cli.h"
#include "cli/mirrored.h"

enum { FLAG_STREAM };
static const struct flag flags[] = {
	{"stream", "NAME", "where several streams have the table: which"},
	{0},
};

static int request(struct ends *e, const struct mirrored *m)
{
	struct error err = {0};
	if (m->status == TABLE_DROPPED || m->status == TABLE_EXCLUDED) {
		fprintf(stderr, "tailrace: %s is %s: there is nothing to copy\n", m->name,
			m->status == TABLE_DROPPED ? "gone in the source"
						   : "not selected by the configuration");
		return FAILED;
	}
	if (!state_request(e->state, "resync", m->stream->name, m->target, &err))
		return failed(&err);
	int pid = state_runner(e->state);
	if (pid)
		printf("%s of stream %s will be copied anew by the running process %d; "
		       "`tailrace status` shows how far it is\n",
			m->name, m->stream->name, pid);
	else
		printf("%s of stream %s will be copied anew by the next `tailrace run`; none "
		       "runs now\n",
			m->name, m->stream->name);
	return DONE;
}

static int resync(const struct call *call)
{
	struct ends ends;
	struct mirrored table;
	struct error err = {0};

	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	int code = mirrored_find(&ends, "resync", call->flags[FLAG_STREAM], call->args[0], &table);
	if (code == DONE)
		code = request(&ends, &table);
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
