/*
 * Where the source's transactions begin and end, on the topic PREFIX.transaction, and the place of each event in
 * its own, as Debezium's provide.transaction.metadata has them. A commit of ours holds whole transactions of
 * the source, so they are told of just before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include "sinks/kafka/kafka.h"

/* Events of one table in one transaction. */
struct share {
	const struct outlet *outlet;
	int64_t events;
};

struct transaction {
	uint64_t commit_lsn;
	int64_t commit_time_us;
	uint32_t xid;
	VEC(struct share) shares;
};

struct metadata {
	struct map by_commit; /* commit_lsn -> index + 1 */
	VEC(struct transaction) list;
};

static struct transaction *find(struct metadata *m, const struct row_meta *meta)
{
	const struct transaction fresh = {.commit_lsn = meta->commit_lsn,
		.commit_time_us = meta->commit_time_us,
		.xid = meta->xid};
	uintptr_t at;

	/* the rows of a batch are in the order of their commits */
	if (m->list.len && m->list.items[m->list.len - 1].commit_lsn == meta->commit_lsn)
		return &m->list.items[m->list.len - 1];
	at = (uintptr_t)map_get(&m->by_commit, &meta->commit_lsn, sizeof meta->commit_lsn);
	if (at)
		return &m->list.items[at - 1];
	vec_push(&m->list, fresh);
	map_put(&m->by_commit, &meta->commit_lsn, sizeof meta->commit_lsn,
		(void *)(uintptr_t)m->list.len);
	return &m->list.items[m->list.len - 1];
}

static struct share *share_of(struct transaction *t, const struct outlet *outlet)
{
	vec_each (&t->shares, share) {
		if (share->outlet == outlet)
			return share;
	}
	vec_push(&t->shares, ((struct share){.outlet = outlet}));
	return &t->shares.items[t->shares.len - 1];
}

static void print_id(const struct transaction *t, char out[TRANSACTION_ID])
{
	snprintf(out, TRANSACTION_ID, "%u:%llu", t->xid, (unsigned long long)t->commit_lsn);
}

void metadata_note(struct kafka_sink *s, const struct outlet *outlet, const struct row_meta *meta,
	char text[TRANSACTION_ID], struct debezium_transaction *out)
{
	if (!s->seen)
		s->seen = xcalloc(1, sizeof *s->seen);
	struct transaction *t = find(s->seen, meta);
	struct share *share = share_of(t, outlet);

	print_id(t, text);
	*out = (struct debezium_transaction){
		.id = text, .total_order = meta->order, .data_collection_order = ++share->events};
}

void metadata_forget(struct kafka_sink *s, const struct outlet *outlet, const struct row_meta *meta)
{
	share_of(find(s->seen, meta), outlet)->events--;
}

/* --- The topic -------------------------------------------------------------------------------------- */

static const struct connect_schema text = {.kind = CONNECT_STRING},
				   number = {.kind = CONNECT_INT64},
				   maybe_number = {.kind = CONNECT_INT64, .optional = true};
static struct connect_field share_fields[] = {{"data_collection", &text}, {"event_count", &number}};
static const struct connect_schema share_schema = {.kind = CONNECT_STRUCT,
	.optional = true,
	.name = "event.collection",
	.version = 1,
	.fields = share_fields,
	.n_fields = COUNT_OF(share_fields)};
static const struct connect_schema shares_schema = {
	.kind = CONNECT_ARRAY, .optional = true, .element = &share_schema};
static struct connect_field key_fields[] = {{"id", &text}};
static struct connect_field value_fields[] = {{"status", &text}, {"id", &text},
	{"event_count", &maybe_number}, {"data_collections", &shares_schema}, {"ts_ms", &number}};
static const struct connect_schema key_schema = {.kind = CONNECT_STRUCT,
	.name = "io.debezium.connector.common.TransactionMetadataKey",
	.version = 1,
	.fields = key_fields,
	.n_fields = COUNT_OF(key_fields)};
static const struct connect_schema value_schema = {.kind = CONNECT_STRUCT,
	.name = "io.debezium.connector.common.TransactionMetadataValue",
	.version = 1,
	.fields = value_fields,
	.n_fields = COUNT_OF(value_fields)};

static void put_shares(const struct transaction *t, struct connect_writer *w)
{
	w->ops->array_begin(w, t->shares.len);
	vec_each (&t->shares, share) {
		const struct table *table = share->outlet->table;
		CLEANUP(free_string) char *name = xasprintf("%s.%s", table->schema, table->name);
		w->ops->optional(w, &share_schema, true);
		w->ops->struct_begin(w);
		put_text(w, "data_collection", name);
		put_number(w, "event_count", share->events);
		w->ops->struct_end(w);
	}
	w->ops->array_end(w);
}

static void put_counts(const struct transaction *t, bool ends, struct connect_writer *w)
{
	int64_t events = 0;

	vec_each (&t->shares, share)
		events += share->events;
	w->ops->field(w, "event_count", strlen("event_count"));
	w->ops->optional(w, &maybe_number, ends);
	if (ends)
		w->ops->integer(w, events);
	w->ops->field(w, "data_collections", strlen("data_collections"));
	w->ops->optional(w, &shares_schema, ends);
	if (ends)
		put_shares(t, w);
}

static bool tell(struct kafka_sink *s, const struct transaction *t, bool ends, struct error *err)
{
	char id[TRANSACTION_ID];
	struct connect_writer *w = channel_key(s, s->metadata);

	print_id(t, id);
	w->ops->struct_begin(w);
	put_text(w, "id", id);
	w->ops->struct_end(w);
	w = channel_value(s, s->metadata);
	w->ops->struct_begin(w);
	put_text(w, "status", ends ? "END" : "BEGIN");
	put_text(w, "id", id);
	put_counts(t, ends, w);
	put_number(w, "ts_ms", t->commit_time_us / 1000);
	w->ops->struct_end(w);
	return channel_send(s, s->metadata, err);
}

static int by_commit(const void *a, const void *b)
{
	const struct transaction *left = a, *right = b;

	return left->commit_lsn < right->commit_lsn ? -1 : left->commit_lsn > right->commit_lsn;
}

static void forget(struct metadata *m)
{
	vec_each (&m->list, t)
		vec_release(&t->shares);
	m->list.len = 0;
	map_clear(&m->by_commit);
}

bool metadata_send(struct kafka_sink *s, struct error *err)
{
	bool ok = true;

	if (!s->seen || !s->seen->list.len)
		return true;
	if (!s->metadata)
		s->metadata = channel_open(s,
			debezium_sanitized(arena_printf(&s->arena, "%s.transaction", s->prefix)),
			&key_schema, &value_schema, err);
	if (!s->metadata)
		return false;
	qsort(s->seen->list.items, s->seen->list.len, sizeof *s->seen->list.items, by_commit);
	for (size_t i = 0; ok && i < s->seen->list.len; i++)
		ok = tell(s, &s->seen->list.items[i], false, err) &&
		     tell(s, &s->seen->list.items[i], true, err);
	forget(s->seen);
	return ok;
}

void metadata_release(struct kafka_sink *s)
{
	if (!s->seen)
		return;
	forget(s->seen);
	vec_release(&s->seen->list);
	map_release(&s->seen->by_commit);
	free(s->seen);
}
