/* A plan for people, a line a reason and run of partitions; and as JSON. */
#include <stdio.h>
#include <string.h>
#include "assets/plan.h"
#include "base/json.h"

/* --- for people --- */

static const char *part_text(const struct plan_asset *a, const struct plan_part *part, char *out)
{
	if (*part->partition)
		return part->partition;
	return span_print(&a->asset->partitioning, part->span, out);
}

static void print_part(const struct plan_asset *a, const struct plan_part *part, struct buf *out)
{
	char text[SPAN_TEXT_SIZE];
	bool partitioned = is_partitioned(&a->asset->partitioning);

	buf_printf(out, "  %s", partitioned ? part_text(a, part, text) : "");
	buf_printf(out, "%s%s: %s", partitioned ? "  " : "", plan_reason_name(part->reason),
		part->why);
	if (part->waits)
		buf_printf(out, "; waits for %s, which is not there", part->waits->name);
	buf_puts(out, "\n");
}

/* "order_items  table, 3 of 37 partitions by day" */
static void print_head(const struct plan_asset *a, struct buf *out)
{
	const struct asset *asset = a->asset;
	struct value how = dict_get_text(asset->node->config, "materialized");
	int64_t n = 0;

	buf_printf(out, "%s  ", asset->name);
	if (how.kind == VALUE_STRING)
		buf_append(out, how.s, how.len);
	vec_each (&a->parts, part)
		n += part->waits ? 0 : partitions_count(&asset->partitioning, part->span);
	if (asset->partitioning.period != PERIOD_NONE)
		buf_printf(out, ", %lld of %lld partitions by %s", (long long)n,
			(long long)a->n_all, period_name(asset->partitioning.period));
	else if (asset->partitioning.keys.n)
		buf_printf(out, ", %lld of %lld partitions", (long long)n, (long long)a->n_all);
	buf_puts(out, "\n");
}

static bool speaks(const struct plan_asset *a)
{
	return a->parts.len || a->problem || a->note || a->unchecked || a->change == CHANGE_FORMAT;
}

static void print_asset(const struct plan_asset *a, struct buf *out)
{
	print_head(a, out);
	if (a->problem)
		buf_printf(out, "  cannot be built: %s\n", a->problem);
	vec_each (&a->parts, part)
		print_part(a, part, out);
	if (a->quiet)
		buf_puts(out, "  its rows stay what they are: what stands on it is not built again "
			      "for that\n");
	if (a->change == CHANGE_FORMAT)
		buf_puts(out, "  only its formatting changed: nothing to do\n");
	if (a->unchecked)
		buf_puts(out, "  its checks failed, or did not end: they run again\n");
	if (a->note)
		buf_printf(out, "  %s\n", a->note);
}

static void print_gone(const struct plan *plan, struct buf *out)
{
	vec_each (&plan->gone, it)
		buf_printf(out,
			"%s  no file of the project makes it any more\n  %s is kept, and what is "
			"known of it; `tailrace assets --forget %s` forgets it\n",
			it->asset, it->relation, it->asset);
}

/* Those whose changes nobody knows of. */
static void print_blind(const struct plan *plan, struct buf *out)
{
	struct buf names;
	size_t n = 0;

	buf_init(&names, BUF_MAX);
	vec_each (&plan->assets, a)
		if (a->blind && !a->parts.len)
			buf_printf(&names, "%s%s", n++ ? ", " : "", a->asset->name);
	if (n)
		buf_printf(out,
			"%zu of them %s no ref or source, and %s built again when asked for by "
			"name: %s\n",
			n, n == 1 ? "names" : "name", n == 1 ? "is" : "are", buf_text(&names));
	buf_release(&names);
}

void plan_text(const struct plan *plan, struct buf *out)
{
	size_t quiet = 0;

	vec_each (&plan->assets, a) {
		quiet += !speaks(a);
		if (speaks(a))
			print_asset(a, out);
	}
	print_gone(plan, out);
	if (quiet == plan->assets.len && !plan->gone.len)
		buf_puts(out, "nothing to do: ");
	else
		buf_printf(out, "%s%zu %s to build, ", out->len ? "\n" : "", plan->n_steps,
			plan->n_steps == 1 ? "step" : "steps");
	buf_printf(out, "%zu %s up to date\n", quiet, quiet == 1 ? "asset is" : "assets are");
	print_blind(plan, out);
}

/* --- for programs --- */

static void put_json_part(const struct plan_asset *a, const struct plan_part *part, struct buf *out)
{
	const struct partitioning *by = &a->asset->partitioning;
	char first[PERIOD_KEY_SIZE] = "", last[PERIOD_KEY_SIZE] = "";

	if (by->period != PERIOD_NONE) {
		period_key(by->period, part->span.from_us, first);
		period_key(by->period, period_start(by->period, part->span.to_us - 1), last);
	}
	json_put_open(out, NULL, '{');
	json_put_text(out, "reason", plan_reason_name(part->reason));
	json_put_text(out, "why", part->why);
	json_put_text(out, "cause", part->cause ? part->cause->id : NULL);
	json_put_text(out, "waits_for", part->waits ? part->waits->id : NULL);
	json_put_text(out, "first", *first ? first : *part->partition ? part->partition : NULL);
	json_put_text(out, "last", *last ? last : *part->partition ? part->partition : NULL);
	json_put_int(out, "partitions", partitions_count(by, part->span));
	buf_puts(out, "}");
}

static void put_json_asset(const struct plan_asset *a, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "id", a->asset->id);
	json_put_text(out, "name", a->asset->name);
	json_put_text(out, "kind", asset_kind_name(a->asset->kind));
	json_put_text(out, "problem", a->problem);
	json_put_text(out, "change", change_name(a->change));
	json_put_text(out, "changed", a->change ? a->what : NULL);
	json_put_text(out, "note", a->note);
	json_put_bool(out, "checks_again", a->unchecked);
	json_put_int(out, "partitions", a->n_all);
	json_put_int(out, "built", a->n_built);
	json_put_int(out, "missing", a->n_missing);
	json_put_int(out, "dirty", a->n_dirty);
	json_put_open(out, "build", '[');
	for (size_t i = 0; i < a->parts.len; i++)
		put_json_part(a, &a->parts.items[i], out);
	buf_puts(out, "]}");
}

void plan_json(const struct plan *plan, struct buf *out)
{
	buf_puts(out, "{");
	json_put_open(out, "assets", '[');
	for (size_t i = 0; i < plan->assets.len; i++)
		put_json_asset(&plan->assets.items[i], out);
	buf_puts(out, "]");
	json_put_open(out, "gone", '[');
	for (size_t i = 0; i < plan->gone.len; i++) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "id", plan->gone.items[i].asset);
		json_put_text(out, "relation", plan->gone.items[i].relation);
		buf_puts(out, "}");
	}
	buf_puts(out, "]");
	json_put_int(out, "steps", (int64_t)plan->n_steps);
	buf_puts(out, "}");
}
