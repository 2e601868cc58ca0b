/* Asking a schema registry; see registry.h. The URLs are tried in turn, beginning with the one that answered last. */
#include <stdlib.h>
#include <string.h>
#include "clients/registry_ask.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	STALL_TIMEOUT_MS = 30000,
	ANSWER_BYTES = 64 << 20,
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
		.ca_option = "registry_ca_location",
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

static bool take(struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	struct answer *a = (struct answer *)taker;

	if (buf_room(&a->text) < len)
		return error_set(err, ERROR_CONFIG, "an answer of more than 64 MiB");
	buf_append(&a->text, bytes, len);
	return true;
}

void answer_release(struct answer *a)
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

bool registry_ask(struct registry *r, const char *path, const struct buf *body, struct answer *a,
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

bool registry_unexpected(struct registry *r, const struct answer *a, struct error *err)
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

	if (!registry_ask(r, "/schemas/types", NULL, &a, err))
		return false;
	bool avro = false;
	json_array_foreach(a.json, i, type)
	{
		const char *name = json_string_value(type);
		avro |= name && !strcmp(name, "AVRO");
	}
	bool ok = a.status == 200
			  ? avro || error_set(err, ERROR_CONFIG, "the registry knows no Avro")
			  : registry_unexpected(r, &a, err);
	answer_release(&a);
	return ok;
}
