/*
 * Storages over the servers of a cluster. Each server has a part of the rows, by the hash of the key, so that all
 * versions of a key meet in one place and are merged there as ever. Of database `shop` and a table `orders`:
 *
 *	shop_shard.orders__g3  on each server: its part, a ReplacingMergeTree; the generation stays in its name
 *	shop_cdc.orders        on each server: Distributed over them; all is written and read through it
 * A shard may have replicas: each has the whole of its part, and the Distributed table writes to all of them. So
 * each has what was acknowledged, and what was not may be on some of them: nothing may be left out because one has
 * it. Tables that replicate by a Keeper are not made.
 *
 * Statements go to each server by HTTP, to the one that is asked what there is last: what it has, all have. Each
 * may be made again on servers that had it already, so one that was away is waited for and nothing else.
 */
#include <string.h>
#include "sinks/clickhouse/clickhouse.h"

/* --- The servers --------------------------------------------------------------------------------- */

static bool add_server(
	struct clickhouse_sink *s, struct clickhouse_options *like, char *url, struct error *err)
{
	struct clickhouse *server;

	like->url = url;
	if (!clickhouse_new(&server, like, err))
		return error_add(err, "cluster_nodes");
	vec_push(&s->others, server);
	return true;
}

static bool add_servers(
	struct clickhouse_sink *s, const struct clickhouse_options *like, struct error *err)
{
	struct clickhouse_options options = *like;
	CLEANUP(free_string) char *urls = xstrdup(s->cluster_nodes ? s->cluster_nodes : "");
	bool ok = true;

	for (char *rest = urls, *url; ok && (url = strsep(&rest, ", "));)
		ok = !*url || add_server(s, &options, url, err);
	return ok;
}

/* Do we know as many servers as the cluster has, and is every row written to each of its replicas? */
static bool check_servers(struct clickhouse_sink *s, struct error *err)
{
	static const char sql[] =
		"SELECT toUInt64(sum(n)), toUInt64(countIf(n > 1 AND internal)) FROM (SELECT "
		"count() AS n, max(internal_replication) AS internal FROM system.clusters WHERE "
		"cluster = {c:String} GROUP BY shard_num)";
	const struct clickhouse_setting settings[] = {{"param_c", s->cluster}, {0}};
	struct rows rows;

	if (!rows_query(s, "uu", sql, settings, &rows, err))
		return false;
	uint64_t servers = rows_number(&rows, 0, 0), internal = rows_number(&rows, 0, 1);
	rows_release(&rows);
	if (!servers)
		return error_set(err, ERROR_CONFIG,
			"ClickHouse at %s knows no cluster %s; name one of its remote_servers",
			clickhouse_url(s->client), s->cluster);
	if (internal)
		return error_set(err, ERROR_CONFIG,
			"cluster %s has replicas with internal_replication on: a row would be "
			"written to one of them and never reach the others; name a cluster of "
			"these "
			"servers with <internal_replication>false</internal_replication> in "
			"each <shard> of its remote_servers, so that rows are written to all",
			s->cluster);
	if (servers != s->others.len + 1)
		return error_set(err, ERROR_CONFIG,
			"cluster %s has %d servers, and url and cluster_nodes name %d; name each",
			s->cluster, (int)servers, (int)s->others.len + 1);
	return true;
}

bool cluster_open(
	struct clickhouse_sink *s, const struct clickhouse_options *like, struct error *err)
{
	if (!s->cluster)
		return !s->cluster_nodes ||
		       error_set(err, ERROR_CONFIG,
			       "cluster_nodes names servers of a cluster: name that as `cluster`");
	return add_servers(s, like, err) && check_servers(s, err);
}

void cluster_close(struct clickhouse_sink *s)
{
	vec_each (&s->others, server)
		clickhouse_free(*server);
	vec_release(&s->others);
}

bool run_everywhere(
	struct clickhouse_sink *s, const struct clickhouse_query *query, struct error *err)
{
	vec_each (&s->others, server) {
		if (!clickhouse_query(*server, query, err))
			return error_add(err, "%s", clickhouse_url(*server));
	}
	return clickhouse_query(s->client, query, err);
}

/* --- Storages ------------------------------------------------------------------------------------ */

const char *part_database(const struct clickhouse_sink *s)
{
	return s->cluster ? s->shard : s->cdc;
}

char *part_name(struct clickhouse_sink *s, const struct landing *landing, enum storage_kind kind)
{
	return s->cluster ? building_name(landing->table, kind, landing->generation)
			  : storage_name(s, landing, kind);
}

/* All versions of a key go to one server; a row without a key is told apart by its version. */
static void add_sharding(const struct table *t, struct buf *sql)
{
	buf_puts(sql, "cityHash64(");
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(sql, i ? ", " : "");
		clickhouse_quote_name(t->columns[t->key[i]].name, sql);
	}
	buf_puts(sql, t->n_key ? ")" : "_version)");
}

bool cluster_spread(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const struct spread *spread, struct error *err)
{
	struct buf sql;

	if (!s->cluster)
		return true;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, spread->anew ? "CREATE OR REPLACE TABLE " : "CREATE TABLE IF NOT EXISTS ");
	add_name(&sql, s->cdc, spread->name);
	buf_puts(&sql, " AS ");
	add_name(&sql, s->shard, spread->part);
	buf_puts(&sql, " ENGINE = Distributed(");
	add_text(&sql, s->cluster);
	buf_puts(&sql, ", ");
	add_text(&sql, s->shard);
	buf_puts(&sql, ", ");
	add_text(&sql, spread->part);
	buf_puts(&sql, ", ");
	add_sharding(landing->table, &sql);
	buf_puts(&sql, ") COMMENT ");
	add_table_comment(&sql, landing, kind);
	bool ok = run_everywhere(s, &(struct clickhouse_query){.sql = buf_text(&sql)}, err) ||
		  error_add(err, "cannot make table %s.%s", s->cdc, spread->name);
	buf_release(&sql);
	layout_forget(s, spread->name);
	return ok;
}
