/*
 * The schemas of a registry; see registry.h. Two threads that want the same one at once may both ask: the answers are
 * the same.
 */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "clients/registry_ask.h"
#include "clients/registry_diff.h"

enum {
	LATEST = 0,         /* for a version: they begin at 1 */
	MISSING_MS = 10000, /* an id that was not known is asked for again then */
	DIFFERENCES = 8,    /* of fields, in an error */
};

/* error_code of an answer */
enum { NO_SUBJECT = 40401, NO_VERSION = 40402, NO_SCHEMA = 40403 };

/* --- Schemas by id ------------------------------------------------------------------------------ */

/* The text; NULL: not known, or it was said lately that there is none: *missing. */
static const char *recall(struct registry *r, uint32_t id, bool *missing)
{
	pthread_mutex_lock(&r->lock);
	struct known *known = map_get(&r->by_id, &id, sizeof id);
	const char *text = known ? known->text : NULL;
	*missing = known && !text && known->missing_ms > r->anew_ms &&
		   mono_ms() - known->missing_ms < MISSING_MS;
	pthread_mutex_unlock(&r->lock);
	return text;
}

/* What is kept is never replaced, as it was handed out. */
static const char *remember(struct registry *r, uint32_t id, const char *text)
{
	pthread_mutex_lock(&r->lock);
	struct known *known = map_get(&r->by_id, &id, sizeof id);
	if (!known) {
		known = xcalloc(1, sizeof *known);
		map_put(&r->by_id, &id, sizeof id, known);
	}
	if (!known->text)
		known->text = text ? xstrdup(text) : NULL;
	known->missing_ms = mono_ms();
	text = known->text;
	pthread_mutex_unlock(&r->lock);
	return text;
}

void registry_ask_anew(struct registry *r)
{
	pthread_mutex_lock(&r->lock);
	r->anew_ms = mono_ms();
	pthread_mutex_unlock(&r->lock);
}

static bool no_schema(uint32_t id, struct error *err)
{
	return error_set(err, ERROR_DATA, "the registry has no schema %u", id);
}

static bool read_schema(uint32_t id, const struct answer *a, const char **text, struct error *err)
{
	const char *type = json_string_value(json_object_get(a->json, "schemaType"));

	*text = json_string_value(json_object_get(a->json, "schema"));
	if (!*text)
		return error_set(err, ERROR_CONFIG, "the registry's answer has no schema");
	if (type && strcmp(type, "AVRO") != 0)
		return error_set(err, ERROR_DATA, "schema %u is of type %s, not AVRO", id, type);
	if (json_array_size(json_object_get(a->json, "references")))
		return error_set(err, ERROR_DATA,
			"schema %u refers to schemas of other subjects, which is not supported",
			id);
	return true;
}

const char *registry_schema(struct registry *r, uint32_t id, struct error *err)
{
	bool missing;
	const char *text = recall(r, id, &missing);
	struct answer a;
	char path[64];

	if (text)
		return text;
	if (missing) {
		no_schema(id, err);
		return NULL;
	}
	snprintf(path, sizeof path, "/schemas/ids/%u", id);
	if (!registry_ask(r, path, NULL, &a, err))
		return NULL;
	if (a.status == 200) {
		text = read_schema(id, &a, &text, err) ? remember(r, id, text) : NULL;
	} else if (a.status == 404 && a.code == NO_SCHEMA) {
		remember(r, id, NULL);
		no_schema(id, err);
	} else {
		registry_unexpected(r, &a, err);
	}
	answer_release(&a);
	return text;
}

/* --- Schemas under a subject --------------------------------------------------------------------- */

/* False: it is no record. */
static bool print_record_name(const char *schema, struct buf *out)
{
	json_t *root = json_loads(schema, JSON_DECODE_ANY, NULL);
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *space = json_string_value(json_object_get(root, "namespace"));

	if (name)
		buf_printf(out, "%s%s%s", space ? space : "", space ? "." : "", name);
	json_decref(root);
	return name;
}

void registry_subject(const struct registry *r, const char *topic, bool is_key, const char *schema,
	struct buf *out)
{
	size_t start = out->len;

	if (r->naming == SUBJECT_TOPIC_RECORD_NAME)
		buf_printf(out, "%s-", topic);
	if (r->naming != SUBJECT_TOPIC_NAME && print_record_name(schema, out))
		return;
	out->len = start;
	buf_printf(out, "%s-%s", topic, is_key ? "key" : "value");
}

static char *path_of(const char *before, const char *subject, const char *after)
{
	struct buf escaped;

	buf_init(&escaped, BUF_MAX);
	http_escape(subject, &escaped);
	char *path = xasprintf("%s%s%s", before, buf_text(&escaped), after);
	buf_release(&escaped);
	return path;
}

/* {"schema":"..."} to a path with the subject. */
static bool ask_with_schema(struct registry *r, const char *path, const char *schema,
	struct answer *a, struct error *err)
{
	struct buf body;

	buf_init(&body, BUF_MAX);
	buf_puts(&body, "{");
	json_put_text(&body, "schema", schema);
	buf_puts(&body, "}");
	bool ok = registry_ask(r, path, &body, a, err);
	buf_release(&body);
	return ok;
}

static char *path_of_version(
	const char *before, const char *subject, int version, const char *after)
{
	char rest[64];

	if (version == LATEST)
		snprintf(rest, sizeof rest, "/versions/latest%s", after);
	else
		snprintf(rest, sizeof rest, "/versions/%d%s", version, after);
	return path_of(before, subject, rest);
}

/* "; against the latest version: added b (int)", or nothing where that cannot be told. */
static void print_difference(
	struct registry *r, const char *subject, int version, const char *schema, struct buf *out)
{
	CLEANUP(free_string) char *path = path_of_version("/subjects/", subject, version, "");
	struct error ignored = {0};
	struct answer a;

	if (!registry_ask(r, path, NULL, &a, &ignored))
		return;
	const char *other = json_string_value(json_object_get(a.json, "schema"));
	size_t start = out->len;
	if (other) {
		if (version == LATEST)
			buf_puts(out, "; against the latest version: ");
		else
			buf_printf(out, "; against version %d: ", version);
		size_t said = out->len;
		registry_diff(other, schema, DIFFERENCES, out);
		if (out->len == said)
			out->len = start;
	}
	answer_release(&a);
}

static bool incompatible(struct registry *r, const char *subject, int version, const char *schema,
	const char *message, struct error *err)
{
	struct buf difference;

	buf_init(&difference, BUF_MAX);
	print_difference(r, subject, version, schema, &difference);
	error_set(err, ERROR_TABLE,
		"the registry refuses the schema for subject %s%.500s. Relax the subject's "
		"compatibility, "
		"or delete the subject. It says: %s",
		subject, buf_text(&difference), message);
	buf_release(&difference);
	return false;
}

static void *recall_id(struct registry *r, const struct buf *key)
{
	pthread_mutex_lock(&r->lock);
	void *found = map_get(&r->registered, key->data, key->len);
	pthread_mutex_unlock(&r->lock);
	return found;
}

static bool take_id(struct registry *r, const struct buf *key, const struct answer *a, uint32_t *id,
	struct error *err)
{
	json_t *said = json_object_get(a->json, "id");
	json_int_t n = json_integer_value(said);

	if (!json_is_integer(said) || n < 0 || n > UINT32_MAX)
		return error_set(err, ERROR_CONFIG, "the registry's answer has no id");
	*id = (uint32_t)n;
	pthread_mutex_lock(&r->lock);
	map_put(&r->registered, key->data, key->len, (void *)((uintptr_t)n + 1));
	pthread_mutex_unlock(&r->lock);
	return true;
}

static bool register_anew(struct registry *r, const char *subject, const char *schema,
	const struct buf *key, uint32_t *id, struct error *err)
{
	CLEANUP(free_string)
	char *path = path_of("/subjects/", subject, r->register_schemas ? "/versions" : "");
	struct answer a;
	bool ok = false;

	if (!ask_with_schema(r, path, schema, &a, err))
		return false;
	if (a.status == 200)
		ok = take_id(r, key, &a, id, err);
	else if (a.status == 409)
		incompatible(r, subject, LATEST, schema, a.message, err);
	else if (!r->register_schemas && a.status == 404 && a.code >= NO_SUBJECT)
		error_set(err, ERROR_TABLE,
			"the schema is not in the registry for subject %s, and register_schemas is "
			"false: register it, or let tailrace do so",
			subject);
	else
		registry_unexpected(r, &a, err);
	answer_release(&a);
	return ok;
}

bool registry_register(struct registry *r, const char *subject, const char *schema, uint32_t *id,
	struct error *err)
{
	struct buf key;

	buf_init(&key, BUF_MAX);
	buf_append(&key, subject, strlen(subject) + 1);
	buf_append(&key, schema, strlen(schema));
	void *known = recall_id(r, &key);
	bool ok = known || register_anew(r, subject, schema, &key, id, err);
	if (known)
		*id = (uint32_t)((uintptr_t)known - 1);
	buf_release(&key);
	return ok;
}

/* By another version than the latest, perhaps. */
static bool is_registered(struct registry *r, const char *subject, const char *schema)
{
	CLEANUP(free_string) char *path = path_of("/subjects/", subject, "");
	struct error ignored = {0};
	struct answer a;

	if (!ask_with_schema(r, path, schema, &a, &ignored))
		return false;
	bool found = a.status == 200;
	answer_release(&a);
	return found;
}

static bool compatible_with(
	struct registry *r, const char *subject, int version, const char *schema, struct error *err)
{
	CLEANUP(free_string)
	char *path = path_of_version("/compatibility/subjects/", subject, version, "?verbose=true");
	struct answer a;
	bool ok = true;

	if (!ask_with_schema(r, path, schema, &a, err))
		return false;
	json_t *messages = json_object_get(a.json, "messages");
	const char *why = json_string_value(json_array_get(messages, 0));
	if (!why)
		why = json_string_value(json_object_get(a.json, "reason"));
	if (a.status == 200 && json_is_false(json_object_get(a.json, "is_compatible")))
		ok = incompatible(r, subject, version, schema, why ? why : "incompatible", err);
	else if (a.status != 200 && a.code != NO_SUBJECT && a.code != NO_VERSION)
		ok = registry_unexpected(r, &a, err);
	answer_release(&a);
	return ok;
}

static bool has_level(struct registry *r, const char *path, bool *transitive)
{
	struct error ignored = {0};
	struct answer a;

	if (!registry_ask(r, path, NULL, &a, &ignored))
		return false;
	const char *level = json_string_value(json_object_get(a.json, "compatibilityLevel"));
	*transitive = level && strstr(level, "_TRANSITIVE");
	bool has = level && strcmp(level, "NONE") != 0;
	answer_release(&a);
	return has;
}

/* BACKWARD_TRANSITIVE and the like. Of a subject without a level of its own, which Apicurio calls NONE, the whole
 * registry's holds. */
static bool every_version_counts(struct registry *r, const char *subject)
{
	CLEANUP(free_string) char *path = path_of("/config/", subject, "");
	bool transitive;

	return (has_level(r, path, &transitive) || has_level(r, "/config", &transitive)) &&
	       transitive;
}

/* One by one, as only Confluent's registry looks, when it is asked without a version, at those that count. */
static bool compatible_with_every(
	struct registry *r, const char *subject, const char *schema, struct error *err)
{
	CLEANUP(free_string) char *path = path_of("/subjects/", subject, "/versions");
	struct answer a;
	bool ok = true;

	if (!registry_ask(r, path, NULL, &a, err))
		return false;
	if (a.status != 200 && a.code != NO_SUBJECT)
		ok = registry_unexpected(r, &a, err);
	for (size_t i = json_array_size(a.json); ok && i-- > 0;) {
		int version = (int)json_integer_value(json_array_get(a.json, i));
		ok = compatible_with(r, subject, version, schema, err);
	}
	answer_release(&a);
	return ok;
}

bool registry_compatible(
	struct registry *r, const char *subject, const char *schema, struct error *err)
{
	uint32_t id;

	if (!r->register_schemas)
		return registry_register(r, subject, schema, &id, err);
	if (is_registered(r, subject, schema))
		return true;
	return every_version_counts(r, subject) ? compatible_with_every(r, subject, schema, err)
						: compatible_with(r, subject, LATEST, schema, err);
}
