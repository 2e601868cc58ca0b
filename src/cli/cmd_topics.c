/*
 * `tailrace topics`: the topics of the Kafka connections, where they begin and end, and how far the groups of
 * our streams are.
 */
#include <inttypes.h>
#include <string.h>
#include "base/json.h"
#include "cli/brokers.h"
#include "cli/cli.h"
#include "clients/kafka_names.h"
#include "core/selection.h"

enum { FLAG_JSON };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document, with every partition"},
	{0},
};

/* A group and its places, in the order of the partitions; KAFKA_NOWHERE: it has none there. */
struct group {
	char name[256];
	const struct selection *selection; /* of its stream */
	struct kafka_places at;
};
struct cluster {
	struct brokers brokers;
	struct kafka_topic_infos topics; /* those to show, by name */
	struct kafka_places first, end;  /* of their partitions, topic by topic */
	VEC(struct group) groups;
};

/* --- Looking --------------------------------------------------------------------------------------- */

static bool is_shown(const struct brokers *b, const struct call *call, const char *name)
{
	size_t prefix = strlen(b->prefix);

	for (int i = 0; i < call->n_args; i++)
		if (glob_matches(call->args[i], name))
			return true;
	return !call->n_args && (kafka_topic_wanted(b->topics, b->prefix, name) ||
					(!strncmp(name, b->prefix, prefix) && name[prefix] == '.'));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kafka_topic_info *)a)->name,
		((const struct kafka_topic_info *)b)->name);
}

static void keep_shown(struct cluster *c, const struct call *call)
{
	size_t kept = 0;

	vec_each (&c->topics, topic) {
		if (is_shown(&c->brokers, call, topic->name))
			c->topics.items[kept++] = *topic;
		else
			free(topic->name);
	}
	c->topics.len = kept;
	if (kept)
		qsort(c->topics.items, kept, sizeof *c->topics.items, by_name);
}

static void add_places(const struct cluster *c, struct kafka_places *out)
{
	vec_each (&c->topics, topic) {
		for (int p = 0; p < topic->partitions; p++)
			vec_push(out, ((struct kafka_place){topic->name, p, KAFKA_NOWHERE}));
	}
}

static bool ask_group(
	struct cluster *c, const char *name, const struct selection *selection, struct error *err)
{
	const struct kafka_group as = {.name = name};
	struct group group = {.selection = selection};

	vec_each (&c->groups, known) {
		if (!strcmp(known->name, name))
			return true;
	}
	struct kafka_consumer *consumer = kafka_consumer_new(&c->brokers.kafka, &as, 1, err);
	if (!consumer)
		return false;
	snprintf(group.name, sizeof group.name, "%s", name);
	add_places(c, &group.at);
	bool ok = kafka_committed(kafka_consumer_client(consumer), &group.at, err);
	vec_push(&c->groups, group);
	kafka_consumer_free(consumer);
	return ok;
}

static bool ask_groups(struct cluster *c, const struct config *config, struct error *err)
{
	char name[256];
	bool ok = true;

	for (size_t i = 0; ok && i < config->n_streams; i++) {
		if (config->streams[i].from != c->brokers.connection)
			continue;
		brokers_group(&c->brokers, &config->streams[i], name, sizeof name);
		ok = ask_group(c, name, &config->streams[i].selection, err);
	}
	return ok;
}

static bool look(
	struct cluster *c, const struct config *config, const struct call *call, struct error *err)
{
	struct kafka_consumer *alone = kafka_consumer_new(&c->brokers.kafka, NULL, 1, err);

	if (!alone)
		return false;
	struct kafka *kafka = kafka_consumer_client(alone);
	bool ok = kafka_topics(kafka, NULL, &c->topics, err);
	if (ok) {
		keep_shown(c, call);
		add_places(c, &c->first);
		add_places(c, &c->end);
		ok = kafka_bounds(kafka, &c->first, KAFKA_EARLIEST, err) &&
		     kafka_bounds(kafka, &c->end, KAFKA_LATEST, err) && ask_groups(c, config, err);
	}
	kafka_consumer_free(alone);
	return ok;
}

static void forget(struct cluster *c)
{
	kafka_topic_infos_release(&c->topics);
	vec_release(&c->first);
	vec_release(&c->end);
	vec_each (&c->groups, group)
		vec_release(&group->at);
	vec_release(&c->groups);
}

/* --- Showing --------------------------------------------------------------------------------------- */

static bool is_read(const struct cluster *c, const struct group *group, const char *topic)
{
	const struct brokers *b = &c->brokers;
	struct kafka_table table = kafka_topic_table(b->prefix, topic);

	return kafka_topic_wanted(b->topics, b->prefix, topic) &&
	       selection_match(group->selection, table.schema, table.name);
}

/* What a group has still to read: from its place, or, where it has none, from the first message. */
static int64_t lag_of(const struct cluster *c, const struct group *group, size_t i)
{
	int64_t from = group->at.items[i].offset;

	if (from < c->first.items[i].offset)
		from = c->first.items[i].offset;
	return from < c->end.items[i].offset ? c->end.items[i].offset - from : 0;
}

static void put_group(const struct cluster *c, const struct group *group, size_t i, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "group", group->name);
	if (group->at.items[i].offset == KAFKA_NOWHERE)
		json_put_raw(out, "committed", NULL);
	else
		json_put_int(out, "committed", group->at.items[i].offset);
	json_put_int(out, "lag", lag_of(c, group, i));
	buf_puts(out, "}");
}

static void put_partition(const struct cluster *c, size_t i, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_int(out, "partition", c->end.items[i].partition);
	json_put_int(out, "first", c->first.items[i].offset);
	json_put_int(out, "end", c->end.items[i].offset);
	json_put_open(out, "groups", '[');
	vec_each (&c->groups, group)
		if (is_read(c, group, c->end.items[i].topic))
			put_group(c, group, i, out);
	buf_puts(out, "]}");
}

static void put_cluster(const struct cluster *c, struct buf *out)
{
	size_t i = 0;

	json_put_open(out, NULL, '{');
	json_put_text(out, "connection", c->brokers.connection->name);
	json_put_open(out, "topics", '[');
	vec_each (&c->topics, topic) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "name", topic->name);
		json_put_int(out, "replication", topic->replication);
		json_put_open(out, "partitions", '[');
		for (int p = 0; p < topic->partitions; p++)
			put_partition(c, i++, out);
		buf_puts(out, "]}");
	}
	buf_puts(out, "]}");
}

static void add_topic(const struct cluster *c, const struct kafka_topic_info *topic, size_t from,
	struct grid *grid)
{
	char text[AMOUNT];
	int64_t offsets = 0;
	size_t upto = from + (size_t)topic->partitions;

	for (size_t i = from; i < upto; i++)
		offsets += c->end.items[i].offset - c->first.items[i].offset;
	grid_cell(grid, "%s", topic->name);
	grid_cell(grid, "%d", topic->partitions);
	grid_cell(grid, "%s", print_count((uint64_t)offsets, text));
	vec_each (&c->groups, group) {
		int64_t lag = 0;
		for (size_t i = from; i < upto; i++)
			lag += lag_of(c, group, i);
		grid_cell(grid, "%s",
			is_read(c, group, topic->name) ? print_count((uint64_t)lag, text) : "-");
	}
}

static void add_partitions(const struct cluster *c, const struct kafka_topic_info *topic,
	size_t from, struct grid *grid)
{
	for (size_t i = from; i < from + (size_t)topic->partitions; i++) {
		grid_cell(grid, "%s [%d]", topic->name, c->end.items[i].partition);
		grid_cell(grid, "%" PRId64, c->first.items[i].offset);
		grid_cell(grid, "%" PRId64, c->end.items[i].offset);
		vec_each (&c->groups, group)
			grid_cell(grid, is_read(c, group, topic->name) ? "%" PRId64 : "-",
				lag_of(c, group, i));
	}
}

/* Patterns were given: then every partition is shown. */
static void show_cluster(const struct cluster *c, bool partitions)
{
	struct grid grid;
	size_t i = 0, columns = 3 + c->groups.len;
	char *right = memset(xcalloc(1, columns + 1), 'r', columns);

	right[0] = 'l';
	printf("%s (%s)\n", c->brokers.connection->name, c->brokers.kafka.brokers);
	grid_init(&grid, columns, right);
	grid_cell(&grid, "topic");
	grid_cell(&grid, partitions ? "first" : "partitions");
	grid_cell(&grid, partitions ? "end" : "offsets");
	vec_each (&c->groups, group)
		grid_cell(&grid, "lag of %s", group->name);
	vec_each (&c->topics, topic) {
		if (partitions)
			add_partitions(c, topic, i, &grid);
		else
			add_topic(c, topic, i, &grid);
		i += (size_t)topic->partitions;
	}
	if (c->topics.len)
		grid_print(&grid, "  ", stdout);
	else
		printf("  no topics\n");
	grid_release(&grid);
	free(right);
}

static int show_connection(const struct connection_config *connection, const struct config *config,
	const struct call *call, struct buf *json)
{
	struct cluster c = {0};
	struct arena arena;
	struct error err = {0};

	arena_init(&arena);
	bool ok = brokers_of(connection, &arena, &c.brokers, &err) && look(&c, config, call, &err);
	if (!ok)
		error_add(&err, "connection '%s'", connection->name);
	else if (call->flags[FLAG_JSON])
		put_cluster(&c, json);
	else
		show_cluster(&c, call->n_args > 0);
	forget(&c);
	arena_release(&arena);
	return ok ? DONE : failed(&err);
}

static int topics(const struct call *call)
{
	const struct connection_config *connection;
	struct config config;
	struct error err = {0};
	struct buf json;
	size_t i = 0, shown = 0;
	int code = DONE;

	if (!config_load(call->config_path, &config, &err))
		return failed(&err);
	buf_init(&json, BUF_MAX);
	buf_puts(&json, "{\"connections\":[");
	while (code == DONE && (connection = next_kafka(&config, &i))) {
		shown++;
		code = show_connection(connection, &config, call, &json);
	}
	buf_puts(&json, "]}");
	if (!shown)
		code = wrong_use("%s has no connection of kind kafka", config.path);
	else if (code == DONE && call->flags[FLAG_JSON])
		puts(buf_text(&json));
	buf_release(&json);
	config_release(&config);
	return code;
}

const struct command topics_command = {
	.name = "topics",
	.args = "[PATTERN...]",
	.max_args = -1,
	.summary = "topics of the Kafka connections, and how far our groups are",
	.help = "Without a PATTERN the topics under the connection's topic_prefix, one a line;\n"
		"with patterns (shop.*) every partition of those that match. The lag of a\n"
		"group is what it has not yet made durable in the target. Offsets and lag\n"
		"count messages, and with them the marks of transactions, and what was\n"
		"aborted or compacted away; of a group that has read all the lag is 0.\n",
	.flags = flags,
	.run = topics,
};
