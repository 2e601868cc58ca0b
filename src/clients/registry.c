/*
 * Asking a schema registry; see registry.h. The URLs are tried in turn, beginning with the one that answered
 * last. Two threads that want the same schema at once may both ask: the answers are the same.
 */
#include "clients/registry.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/map.h"
#include "base/json.h"
#include "base/vec.h"
#include "clients/http.h"
#include "clients/registry_diff.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	STALL_TIMEOUT_MS = 30000,
	ANSWER_BYTES = 64 << 20,
	MISSING_MS = 10000, /* an id that was not known is asked for again then */
	DIFFERENCES = 8,    /* of fields, in an error */
};

/* error_code of an answer */
enum { NO_SUBJECT = 40401, NO_VERSION = 40402, NO_SCHEMA = 40403 };

struct endpoint {
	char *url, *user, *password;
};
struct known {
	char *text;         /* NULL: there is none, */
	int64_t missing_ms; /* as it was said then */
};
struct registry {
	struct http *http;
	char *username, *password, *ca_location;
	int naming;
	bool register_schemas;
	VEC(struct endpoint) endpoints;
	atomic_size_t current;

	pthread_mutex_t lock;
	struct map by_id;      /* uint32_t -> struct known */
	struct map registered; /* subject, 0, schema -> id + 1, as a pointer */
};

static const char *const namings[] = {
	[SUBJECT_TOPIC_NAME] = "topic_name",
	[SUBJECT_RECORD_NAME] = "record_name",
	[SUBJECT_TOPIC_RECORD_NAME] = "topic_record_name",
	NULL,
};

#define AT(field) offsetof(struct registry_options, field)
const struct option registry_option_table[] = {
	{"registry", OPTION_STRING, AT(urls),
		.help = "The schema registry, as `http://host:8081`; several by commas are tried "
			"in turn. Apicurio's is at `http://host:8080/apis/ccompat/v7`."},
	{"registry_username", OPTION_STRING, AT(username),
		.help = "User at the registry, unless its URL names one."},
	{"registry_password", OPTION_SECRET, AT(password), .help = "Password of the user."},
	{"registry_ca_location", OPTION_STRING, AT(ca_location),
		.help = "Certificates to trust for the registry, in PEM. Without it the system's."},
	{"subject_name_strategy", OPTION_CHOICE, AT(naming), "topic_name", .choices = namings,
		.help = "How schemas are named in the registry: `topic-key` and `topic-value`, the "
			"record's name, or `topic-record`."},
	{"register_schemas", OPTION_BOOL, AT(register_schemas), "true",
		.help = "Register schemas that the registry does not have yet. With `false` they "
			"must be there."},
	OPTION_END,
};

/* --- Making it --------------------------------------------------------------------------------- */

static bool add_endpoint(struct registry *r, const char *url, struct error *err)
{
	struct endpoint e = {0};

	if (!http_split_url(url, &e.url, &e.user, &e.password, err))
		return error_add(err, "registry");
	for (size_t n = strlen(e.url); n && e.url[n - 1] == '/'; n--)
		e.url[n - 1] = '\0';
	vec_push(&r->endpoints, e);
	return true;
}

static bool add_endpoints(struct registry *r, const char *urls, struct error *err)
{
	CLEANUP(free_string) char *copy = xstrdup(urls ? urls : "");
	char *rest = copy, *url;

	while ((url = strsep(&rest, ", \t")))
		if (*url && !add_endpoint(r, url, err))
			return false;
	return r->endpoints.len ||
	       error_set(err, ERROR_CONFIG, "registry: a URL is missing, as http://host:8081");
}

struct registry *registry_new(const struct registry_options *options, struct error *err)
{
	struct registry *r = xcalloc(1, sizeof *r);

	pthread_mutex_init(&r->lock, NULL);
	r->username = options->username ? xstrdup(options->username) : NULL;
	r->password = options->password ? xstrdup(options->password) : NULL;
	r->ca_location = options->ca_location ? xstrdup(options->ca_location) : NULL;
	r->naming = options->naming;
	r->register_schemas = options->register_schemas;
	r->http = http_new(&(struct http_options){
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.stall_timeout_ms = STALL_TIMEOUT_MS,
		.ca_file = r->ca_location,
	});
	if (add_endpoints(r, options->urls, err))
		return r;
	registry_free(r);
	return NULL;
}

static void known_free(struct known *known)
{
	free(known->text);
	free(known);
}

void registry_free(struct registry *r)
{
	size_t i = 0, key_len;
	const void *key;
	void *known;

	if (!r)
		return;
	http_free(r->http);
	vec_each (&r->endpoints, e) {
		free(e->url);
		free(e->user);
		free(e->password);
	}
	vec_release(&r->endpoints);
	while (map_next(&r->by_id, &i, &key, &key_len, &known))
		known_free(known);
	map_release(&r->by_id);
	map_release(&r->registered);
	pthread_mutex_destroy(&r->lock);
	free(r->username);
	free(r->password);
	free(r->ca_location);
	free(r);
}

/* --- Asking ------------------------------------------------------------------------------------ */

struct answer {
	struct http_taker taker;
	struct buf text;
	int status;
	json_t *json;
	const char *message; /* of an error */
	int code;
};

static bool take(struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	struct answer *a = (struct answer *)taker;

	if (buf_room(&a->text) < len)
		return error_set(err, ERROR_CONFIG, "an answer of more than 64 MiB");
	buf_append(&a->text, bytes, len);
	return true;
}

static void answer_release(struct answer *a)
{
	json_decref(a->json);
	a->json = NULL;
	buf_release(&a->text);
}

/* Reads the answer's JSON. Where it is an error, its code and message are set. */
static void read_answer(struct answer *a)
{
	a->json = json_loadb((const char *)a->text.data, a->text.len, JSON_DECODE_ANY, NULL);
	a->code = (int)json_integer_value(json_object_get(a->json, "error_code"));
	a->message = json_string_value(json_object_get(a->json, "message"));
	if (!a->message)
		a->message = "it says no more";
}

/* One request to one endpoint. False: nobody answered. */
static bool ask_one(struct registry *r, const struct endpoint *e, const char *path,
	const struct buf *body, struct answer *a, struct error *err)
{
	static const char *const headers[] = {
		"Content-Type: application/vnd.schemaregistry.v1+json",
		"Accept: application/vnd.schemaregistry.v1+json, application/json", NULL};
	CLEANUP(free_string) char *url = xasprintf("%s%s", e->url, path);
	struct http_bytes bytes;
	struct http_request request = {
		.url = url,
		.headers = headers,
		.user = e->user ? e->user : r->username,
		.password = e->password ? e->password : r->password,
		.taker = &a->taker,
		.status = &a->status,
	};

	if (body) {
		http_bytes_init(&bytes, body->data, body->len);
		request.body = &bytes.body;
		request.body_bytes = (int64_t)body->len;
	}
	*a = (struct answer){.taker.take = take};
	buf_init(&a->text, ANSWER_BYTES);
	if (!http_perform(r->http, &request, err)) {
		error_add(err, "registry %s", e->url);
		return false;
	}
	read_answer(a);
	return true;
}

/* True: what went wrong has nothing to do with what was asked. */
static bool refused(const struct endpoint *e, const struct answer *a, struct error *err)
{
	if (a->status == 401 || a->status == 403)
		error_set(err, ERROR_CONFIG,
			"registry %s: %s (%d); look at registry_username and registry_password",
			e->url, a->message, a->status);
	else if (a->status == 429 || a->status >= 500)
		error_set(err, ERROR_RETRY, "registry %s: %s (%d)", e->url, a->message, a->status);
	else
		return false;
	return true;
}

/*
 * Asks one endpoint after another until one answers; what it says is the caller's to judge, but for the errors
 * that are the same of every request. Release the answer where true.
 */
static bool ask(struct registry *r, const char *path, const struct buf *body, struct answer *a,
	struct error *err)
{
	size_t n = r->endpoints.len, first = atomic_load(&r->current);
	struct error why = {0};

	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = &r->endpoints.items[(first + i) % n];
		bool answered = ask_one(r, e, path, body, a, &why);
		if (answered && !refused(e, a, &why)) {
			atomic_store(&r->current, (first + i) % n);
			return true;
		}
		answer_release(a);
		if (why.kind != ERROR_RETRY)
			break;
	}
	return error_set(err, why.kind, "%s", why.text);
}

/* An answer that is none of those that the caller knows. */
static bool unexpected(struct registry *r, const struct answer *a, struct error *err)
{
	const char *url = r->endpoints.items[atomic_load(&r->current)].url;

	if (a->status == 404 && a->code < 40400)
		return error_set(err, ERROR_CONFIG,
			"registry %s: no schema registry answers at this path (404); Apicurio's is "
			"below "
			"/apis/ccompat/v7",
			url);
	if (a->status == 422)
		return error_set(
			err, ERROR_TABLE, "registry %s: %s (%d)", url, a->message, a->code);
	return error_set(err, ERROR_CONFIG, "registry %s: %s (%d)", url, a->message, a->status);
}

bool registry_reach(struct registry *r, struct error *err)
{
	struct answer a;
	size_t i;
	json_t *type;

	if (!ask(r, "/schemas/types", NULL, &a, err))
		return false;
	bool avro = false;
	json_array_foreach(a.json, i, type)
	{
		const char *name = json_string_value(type);
		avro |= name && !strcmp(name, "AVRO");
	}
	bool ok = a.status == 200
			  ? avro || error_set(err, ERROR_CONFIG, "the registry knows no Avro")
			  : unexpected(r, &a, err);
	answer_release(&a);
	return ok;
}

/* --- Schemas by id ------------------------------------------------------------------------------ */

/* The text; NULL: not known, or it was said lately that there is none: *missing. */
static const char *recall(struct registry *r, uint32_t id, bool *missing)
{
	pthread_mutex_lock(&r->lock);
	struct known *known = map_get(&r->by_id, &id, sizeof id);
	const char *text = known ? known->text : NULL;
	*missing = known && !text && mono_ms() - known->missing_ms < MISSING_MS;
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
	if (!ask(r, path, NULL, &a, err))
		return NULL;
	if (a.status == 200) {
		text = read_schema(id, &a, &text, err) ? remember(r, id, text) : NULL;
	} else if (a.status == 404 && a.code == NO_SCHEMA) {
		remember(r, id, NULL);
		no_schema(id, err);
	} else {
		unexpected(r, &a, err);
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
	bool ok = ask(r, path, &body, a, err);
	buf_release(&body);
	return ok;
}

/* "; it differs from the latest version: added b (int)", or nothing where that cannot be told. */
static void print_difference(
	struct registry *r, const char *subject, const char *schema, struct buf *out)
{
	CLEANUP(free_string) char *path = path_of("/subjects/", subject, "/versions/latest");
	struct error ignored = {0};
	struct answer a;

	if (!ask(r, path, NULL, &a, &ignored))
		return;
	const char *latest = json_string_value(json_object_get(a.json, "schema"));
	size_t start = out->len;
	if (latest) {
		buf_puts(out, "; against the latest version: ");
		size_t said = out->len;
		registry_diff(latest, schema, DIFFERENCES, out);
		if (out->len == said)
			out->len = start;
	}
	answer_release(&a);
}

static bool incompatible(struct registry *r, const char *subject, const char *schema,
	const char *message, struct error *err)
{
	struct buf difference;

	buf_init(&difference, BUF_MAX);
	print_difference(r, subject, schema, &difference);
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
		incompatible(r, subject, schema, a.message, err);
	else if (!r->register_schemas && a.status == 404 && a.code >= NO_SUBJECT)
		error_set(err, ERROR_TABLE,
			"the schema is not in the registry for subject %s, and register_schemas is "
			"false: register it, or let tailrace do so",
			subject);
	else
		unexpected(r, &a, err);
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

static bool ask_compatible(
	struct registry *r, const char *subject, const char *schema, struct error *err)
{
	CLEANUP(free_string)
	char *path = path_of("/compatibility/subjects/", subject, "/versions/latest?verbose=true");
	struct answer a;
	bool ok = true;

	if (!ask_with_schema(r, path, schema, &a, err))
		return false;
	json_t *messages = json_object_get(a.json, "messages");
	const char *why = json_string_value(json_array_get(messages, 0));
	if (!why)
		why = json_string_value(json_object_get(a.json, "reason"));
	if (a.status == 200 && json_is_false(json_object_get(a.json, "is_compatible")))
		ok = incompatible(r, subject, schema, why ? why : "incompatible", err);
	else if (a.status != 200 && a.code != NO_SUBJECT && a.code != NO_VERSION)
		ok = unexpected(r, &a, err);
	answer_release(&a);
	return ok;
}

bool registry_compatible(
	struct registry *r, const char *subject, const char *schema, struct error *err)
{
	uint32_t id;

	if (!r->register_schemas)
		return registry_register(r, subject, schema, &id, err);
	return is_registered(r, subject, schema) || ask_compatible(r, subject, schema, err);
}
