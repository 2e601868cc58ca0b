/*
 * HTTP requests through libcurl: connections kept alive and shared by any number of threads,
 * bodies pulled from the caller as they go out, answers pushed to him as they come in, nothing of
 * either held as a whole.
 *
 * There is no limit on the time of a request, only on standing still. A request may be sent twice
 * when a kept connection turns out dead, if its body can be rewound.
 */
#ifndef CLIENTS_HTTP_H
#define CLIENTS_HTTP_H

#include <stdatomic.h>
#include "base/buf.h"
#include "base/error.h"

struct http_options {
	int64_t connect_timeout_ms;
	int64_t stall_timeout_ms; /* no byte went either way for so long: ERROR_RETRY */
	const char *ca_file;      /* PEM; NULL: the system's */
	const char *ca_option;    /* where it is configured, for messages; NULL: "ca_file" */
	bool accept_any_certificate;
};

/* Strings are borrowed. Any thread. */
struct http;
struct http *http_new(const struct http_options *options);
void http_free(struct http *h); /* no request is under way; NULL is allowed */

struct http_body {
	size_t (*read)(struct http_body *, uint8_t *out, size_t room); /* room > 0; 0: the end */
	void (*rewind)(struct http_body *); /* NULL: it can be read only once */
};

/* A body of bytes in memory: init and use .body. */
struct http_bytes {
	struct http_body body;
	const uint8_t *data;
	size_t len, at;
};
void http_bytes_init(struct http_bytes *b, const void *data, size_t len);

/* False stops the request; err then says why. */
struct http_taker {
	MUST_CHECK bool (*take)(
		struct http_taker *, const uint8_t *bytes, size_t len, struct error *);
};

enum http_coding { HTTP_PLAIN, HTTP_LZ4, HTTP_ZSTD };

/* A header of the answer that is asked for; found or empty. */
struct http_header {
	const char *name;
	char value[512];
};

struct http_request {
	const char *url;
	const char *const *headers;  /* "Name: value", NULL-terminated; or NULL */
	const char *user, *password; /* basic authentication; NULL: none */
	struct http_body *body;      /* NULL: a GET; else a POST */
	/* of the body as it is read; -1: not known. Not looked at with a coding */
	int64_t body_bytes;
	enum http_coding coding;    /* of the body: Content-Encoding */
	struct http_taker *taker;   /* of the answer, whatever its status */
	int *status;                /* set before the taker is called */
	struct http_header *wanted; /* likewise filled */
	size_t n_wanted;
	bool patient;                 /* the other side may be silent for as long as it lives */
	const atomic_bool *cancelled; /* or NULL; looked at once a second or more often */
};

/* True: an answer came, of any status. ERROR_RETRY: nobody there, no answer, cut off, or cancelled;
 * ERROR_CONFIG: a URL or certificate that cannot be. The taker's error stays as it is. */
MUST_CHECK bool http_perform(struct http *h, const struct http_request *request, struct error *err);

/* Is the host of the URL this machine by name: localhost, 127.x.x.x, [::1]? */
bool http_is_loopback(const char *url);

/* Takes user and password out of a URL ("http://user:password@host:8123/"). Strings are malloc'd,
 * NULL where the URL has none. */
MUST_CHECK bool http_split_url(
	const char *url, char **bare, char **user, char **password, struct error *err);

/* Appends text as a query string has it: percent-encoded, spaces as +. */
void http_escape(const char *text, struct buf *out);
/* What "%20" and the like stand for; a + stays. To be freed. */
char *http_unescape(const char *text, size_t len);

#endif
