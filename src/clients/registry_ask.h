/* Within the client of the schema registry: requests, and what all of them have in common. */
#ifndef CLIENTS_REGISTRY_ASK_H
#define CLIENTS_REGISTRY_ASK_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/map.h"
#include "base/vec.h"
#include "clients/http.h"
#include "clients/registry.h"

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
	int64_t anew_ms;       /* what was said to be missing until then may be there */
	struct map by_id;      /* uint32_t -> struct known */
	struct map registered; /* subject, 0, schema -> id + 1, as a pointer */
};

struct answer {
	struct http_taker taker;
	struct buf text;
	int status;
	json_t *json;
	const char *message; /* of an error */
	int code;
};

/* A GET, or with a body a POST, of one endpoint after another until one answers; what it says is the caller's to judge,
 * but for the errors that are the same of every request. Release the answer where true. */
MUST_CHECK bool registry_ask(struct registry *, const char *path, const struct buf *body,
	struct answer *, struct error *);
void answer_release(struct answer *);

/* Sets the error of an answer that is none of those that the caller knows; false. */
bool registry_unexpected(struct registry *, const struct answer *, struct error *);

#endif
