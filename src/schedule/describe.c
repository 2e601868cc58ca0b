/* What is said of a node's schedule, for people. */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "core/units.h"
#include "models/project.h"
#include "schedule/scheduler.h"
#include "schedule/trigger.h"

bool schedule_problem(const struct node *node, char *why, size_t size)
{
	struct asset asset = {.node = node};
	struct trigger t;

	if (!node->schedule.cron)
		return false;
	trigger_init(&t, &asset, 0, 0);
	bool wrong = *t.problem;
	if (wrong)
		snprintf(why, size, "%s", t.problem);
	trigger_release(&t);
	return wrong;
}

static void print_time(int64_t s, struct buf *out)
{
	char text[28];

	format_utc(s * 1000000, text);
	text[19] = '\0';
	buf_printf(out, "%sZ", text);
}

static void print_cron(const struct trigger *t, int64_t last_s, struct buf *out)
{
	if (!t->schedule->cron)
		return;
	if (*t->problem) {
		buf_printf(out, "schedule: %s\n", t->problem);
		return;
	}
	buf_printf(out, "schedule '%s'", t->schedule->cron);
	if (t->schedule->timezone)
		buf_printf(out, " in %s", t->schedule->timezone);
	buf_puts(out, ": next at ");
	print_time(t->next_s, out);
	if (last_s) {
		buf_puts(out, ", last at ");
		print_time(last_s, out);
	}
	buf_puts(out, "\n");
}

void schedule_print(const struct node *node, int64_t last_s, int64_t now_us, struct buf *out)
{
	struct asset asset = {.node = node};
	const struct schedule *s = &node->schedule;
	char text[32];
	struct trigger t;

	trigger_init(&t, &asset, 0, now_us / 1000000);
	print_cron(&t, last_s, out);
	if (s->on_change) {
		duration_print(s->at_most_every_us ? s->at_most_every_us / 1000 : 10000, text);
		buf_printf(out, "on change, at most every %s\n", text);
	}
	if (s->on_missing)
		buf_puts(out, "on missing\n");
	if (s->max_age_us) {
		duration_print(s->max_age_us / 1000, text);
		buf_printf(out, "when it is older than %s\n", text);
	}
	trigger_release(&t);
}
