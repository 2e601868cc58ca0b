/*
 * Messages that are held back while their table takes no rows, and a table that is copied anew by reading its
 * topic from the first message on: only while no other member of the group has a part of it, as only this
 * process writes to the storage that is built.
 */
#include "base/log.h"
#include "sources/kafka/kafka.h"

#include <stdio.h>

void kafka_source_hold(struct source *source, const struct table *table, bool hold)
{
	struct kafka_source *k = kafka_of(source);

	if (hold)
		offsets_hold(&k->offsets, table->source_id);
	else
		offsets_let_go(&k->offsets, table->source_id, NULL);
}

/* Where the topic begins; it must hold its first message, or rows would be missing. */
static bool find_beginning(
	struct kafka_source *k, uint64_t table, struct kafka_places *out, struct error *err)
{
	table_places(k, table, out);
	if (!kafka_bounds(kafka_consumer_client(k->looker), out, KAFKA_EARLIEST, err))
		return false;
	vec_each (out, place) {
		if (place->offset > 0)
			return error_set(err, ERROR_TABLE,
				"topic %s [%d] has lost its messages below offset %lld, so the "
				"table cannot be read again from it as a whole; docs/kafka.md says "
				"how to begin anew",
				place->topic, place->partition, (long long)place->offset);
	}
	return true;
}

bool kafka_source_plan(
	struct source *source, const struct table *table, struct chunks *out, struct error *err)
{
	struct kafka_places first = {0};
	bool ok = find_beginning(kafka_of(source), table->source_id, &first, err);
	struct chunk chunk = {.spec = "from the first message"};

	if (ok)
		vec_push(out, chunk);
	vec_release(&first);
	return ok;
}

/* The place is committed before anything is read, and none behind it until the table is live: what only the storage
 * that is built has is not there for others, should they go on. */
static bool go_back(
	struct kafka_source *k, uint64_t table, const struct kafka_places *first, struct error *err)
{
	offsets_hold(&k->offsets, table);
	bool ok = kafka_commit_offsets(kafka_consumer_client(k->member), first, true, err);

	if (ok)
		offsets_let_go(&k->offsets, table, first);
	return ok;
}

enum copy_status kafka_source_copy(struct source *source, struct table *table,
	const struct chunk *chunk, struct batch_taker *taker, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	struct kafka_places first = {0};
	enum copy_status status = COPY_FAILED;

	(void)chunk;
	(void)taker;
	if (find_beginning(k, table->source_id, &first, err)) {
		if (offsets_count(&k->offsets, table->source_id) < (int)first.len) {
			error_set(err, ERROR_RETRY,
				"other processes of group %s read parts of the topic; stop them "
				"until the table has been copied",
				k->group_name);
			status = COPY_WAIT;
		} else if (go_back(k, table->source_id, &first, err)) {
			status = COPY_DONE;
		}
	}
	vec_release(&first);
	return status;
}

static void tell_lost(struct kafka_source *k, struct bundle *bundle)
{
	for (uint64_t id; (id = offsets_lost(&k->offsets));) {
		struct topic *topic = topic_of_table(k, id);
		if (!topic)
			continue;
		struct table *table = tell_table(k, topic);
		struct bundle_item *item = bundle_add(bundle, BUNDLE_RECOPY, table);
		snprintf(item->reason, sizeof item->reason,
			"another process took over a part of the topic while it was read again");
		bundle_add(bundle, BUNDLE_TABLE, table);
	}
}

bool settle_held(struct kafka_source *k, struct bundle *bundle, struct error *err)
{
	struct kafka_places pause = {0}, go_on = {0};

	offsets_settle(&k->offsets, &pause, &go_on);
	tell_lost(k, bundle);
	if (pause.len)
		kafka_pause(k->member, &pause);
	bool ok = !go_on.len || kafka_go_on(k->member, &go_on, err);
	vec_release(&pause);
	vec_release(&go_on);
	return ok;
}
