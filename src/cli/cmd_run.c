/* `tailrace run`: the process that mirrors, until it is stopped or has caught up. */
#include <unistd.h>
#include "base/log.h"
#include "cli/cli.h"
#include "cli/parts.h"
#include "cli/stop.h"

#define LOOK_US 50000

enum { FLAG_CATCH_UP };
static const struct flag flags[] = {
	{"catch-up", NULL,
		"end with 0 once every table is copied and the streams are where the sources "
		"were at the start; with 1 if that cannot be"},
	{0},
};

static int wait_for_end(struct parts *p, bool catch_up)
{
	struct error err = {0};
	while (!atomic_load(&stop_asked)) {
		enum catch_up reached = catch_up ? pipeline_caught_up(p->pipeline, &err)
						 : CATCH_UP_GOING;
		if (reached == CATCH_UP_DONE)
			return DONE;
		if (reached == CATCH_UP_FAILED)
			return failed(&err), FAILED;
		parts_look(p);
		usleep(LOOK_US);
	}
	log_info("stopping");
	return catch_up ? FAILED : DONE;
}

static int run(const struct call *call)
{
	struct parts parts = {0};
	struct error err = {0};
	stop_on_signals();
	int code = parts_start(&parts, call->config_path, &err)
			   ? wait_for_end(&parts, call->flags[FLAG_CATCH_UP])
			   : failed(&err);
	parts_stop(&parts);
	return code;
}

const struct command run_command = {
	.name = "run",
	.args = "",
	.summary = "mirror, until stopped",
	.help = "Copies every selected table and follows the source's log, until Ctrl-C or\n"
		"SIGTERM. What is missing in the source (publication, slot) and in the target\n"
		"(database, tables, views) is made. After a stop or a crash it goes on where\n"
		"it was. A stream that stops or a table that breaks does not stop the others:\n"
		"`tailrace status` and /readyz tell. Logs go to standard error.\n",
	.flags = flags,
	.run = run,
};
