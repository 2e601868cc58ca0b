/*
 * Inside of the HTTP server: requests, replies and the table of paths. Handlers run on the server's threads,
 * several at once, and know nothing of the library that carries them.
 */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "base/buf.h"
#include "pipeline/pipeline.h"
#include "schedule/scheduler.h"

#define REPLY_MAX ((size_t)64 << 20)

struct http_request {
	struct pipeline *pipeline;
	struct state *state;
	struct scheduler *scheduler; /* NULL: there are no models */
	const char *method, *path;   /* the path percent-decoded, without the query */
	const char *authorization;   /* the header; NULL: there is none */
	/* What the stars of the route stood for. */
	char captured[2][256];
};

struct http_reply {
	unsigned status;
	const char *type;  /* of the body */
	const char *allow; /* of a 405; else NULL */
	struct buf body;
};

/* Finds the route and lets its handler fill the reply. HEAD is GET; the caller leaves the body out. */
void routes_answer(struct http_request *, struct http_reply *);

/* {"error":"..."} with that status. */
void reply_error(struct http_reply *, unsigned status, const char *fmt, ...) PRINTF(3, 4);

typedef void handler(const struct http_request *, struct http_reply *);
handler answer_health, answer_ready, answer_status, answer_resync, answer_sensor; /* api.c */
handler answer_metrics;                                                           /* metrics.c */

#endif
