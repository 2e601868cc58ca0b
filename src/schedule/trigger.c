/* What makes an asset run by itself; see trigger.h. */
#include "schedule/trigger.h"

#include <stdio.h>
#include <string.h>

#define US       INT64_C(1000000)
#define FIRST_US (20 * US)
#define MOST_US  (3600 * US)

bool node_is_scheduled(const struct node *node)
{
	const struct schedule *s = &node->schedule;

	return s->cron || s->on_change || s->on_missing || s->max_age_us;
}

static bool read_cron(struct trigger *t, struct error *err)
{
	const char *zone = t->schedule->timezone ? t->schedule->timezone : "UTC";

	if (!cron_parse(t->schedule->cron, &t->cron, err))
		return false;
	t->zone = zone_load(zone, err);
	return t->zone;
}

void trigger_init(struct trigger *t, const struct asset *asset, int64_t last_s, int64_t now_s)
{
	struct value catchup = dict_get_text(asset->node->config, "catchup");
	struct error err = {0};

	*t = (struct trigger){.asset = asset,
		.schedule = &asset->node->schedule,
		.taken_seq = -1,
		.catchup = catchup.kind == VALUE_BOOL && catchup.b};
	if (!t->schedule->cron)
		return;
	if (read_cron(t, &err))
		t->next_s = cron_next(&t->cron, t->zone, last_s ? last_s : now_s);
	else
		snprintf(t->problem, sizeof t->problem, "%s: %.400s",
			t->schedule->place ? t->schedule->place : asset->node->path, err.text);
}

void trigger_release(struct trigger *t)
{
	zone_free(t->zone);
	*t = (struct trigger){0};
}

static bool same_line(const struct schedule *a, const struct schedule *b)
{
	const char *zone = a->timezone ? a->timezone : "", *other = b->timezone ? b->timezone : "";

	return strcmp(a->cron, b->cron) == 0 && strcmp(zone, other) == 0;
}

void trigger_carry(struct trigger *t, const struct trigger *old)
{
	if (t->zone && old->zone && same_line(t->schedule, old->schedule)) {
		t->next_s = old->next_s;
		t->tick_s = old->tick_s;
		t->since_s = old->since_s;
	}
	t->ran_us = old->ran_us;
	t->taken_seq = old->taken_seq;
	memcpy(t->said, old->said, sizeof t->said);
}

bool trigger_try(struct trigger *t, uint64_t what, int64_t now_us)
{
	struct retry *r = &t->retry;

	if (what != r->what)
		*r = (struct retry){.what = what};
	if (now_us < r->at_us)
		return false;
	r->wait_us = !r->wait_us ? FIRST_US : r->wait_us < MOST_US / 2 ? r->wait_us * 2 : MOST_US;
	r->at_us = now_us + r->wait_us;
	return true;
}

/* The tick before one: of the year before, where there is any. */
static int64_t tick_before(const struct trigger *t, int64_t tick_s)
{
	int64_t before = cron_last(&t->cron, t->zone, tick_s - 400 * INT64_C(86400), tick_s - 1);

	return before == INT64_MIN ? tick_s - 400 * INT64_C(86400) : before;
}

void trigger_tick(struct trigger *t, int64_t now_s)
{
	if (!t->zone || now_s < t->next_s)
		return;
	int64_t latest = cron_last(&t->cron, t->zone, t->next_s - 1, now_s);
	int64_t since = tick_before(t, t->catchup ? t->next_s : latest);

	/* one that waits is not forgotten over the next */
	t->since_s = t->tick_s && t->since_s < since ? t->since_s : since;
	t->tick_s = latest;
	t->next_s = cron_next(&t->cron, t->zone, latest);
}

struct span trigger_due(const struct trigger *t)
{
	const struct partitioning *p = &t->asset->partitioning;

	if (p->period == PERIOD_NONE)
		return SPAN_ALL;
	int64_t from = period_start(p->period, t->since_s * US);
	int64_t to = period_start(p->period, t->tick_s * US);
	if (from == to)
		to = period_add(p->period, from, 1);
	return span_common((struct span){from, to}, (struct span){p->begin_us, TIME_MAX});
}

struct span complete_until(const struct partitioning *p, struct span s, int64_t now_us)
{
	if (p->period == PERIOD_NONE)
		return s;
	return span_common(s, (struct span){TIME_MIN, period_start(p->period, now_us)});
}
