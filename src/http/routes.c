/* The paths of the HTTP server; see routes.h. A star in a path stands for one segment. */
#include "http/routes.h"

#include <stdarg.h>
#include <stdio.h>
#include "base/json.h"

struct route {
	const char *method, *path;
	handler *answer;
};

static const struct route routes[] = {
	{"GET", "/healthz", answer_health},
	{"GET", "/readyz", answer_ready},
	{"GET", "/metrics", answer_metrics},
	{"GET", "/api/v1/status", answer_status},
	{"POST", "/api/v1/streams/*/tables/*/resync", answer_resync},
	{"POST", "/api/v1/sensors/*", answer_sensor},
};

void reply_error(struct http_reply *reply, unsigned status, const char *fmt, ...)
{
	char text[1200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	reply->status = status;
	buf_clear(&reply->body);
	buf_puts(&reply->body, "{");
	json_put_text(&reply->body, "error", text);
	buf_puts(&reply->body, "}\n");
}

static bool path_matches(const char *route, struct http_request *request)
{
	const char *path = request->path;
	size_t stars = 0;

	while (*route) {
		if (*route != '*') {
			if (*route++ != *path++)
				return false;
			continue;
		}
		size_t len = strcspn(path, "/");
		if (!len || len >= sizeof request->captured[0])
			return false;
		snprintf(request->captured[stars++], sizeof request->captured[0], "%.*s", (int)len,
			path);
		path += len;
		route++;
	}
	return !*path;
}

static void answer_unknown(const struct http_request *request, struct http_reply *reply)
{
	struct buf paths;

	buf_init(&paths, REPLY_MAX);
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		buf_printf(&paths, "%s%s %s", i ? ", " : "", routes[i].method, routes[i].path);
	reply_error(reply, 404, "there is no %.200s here; there is: %s", request->path,
		buf_text(&paths));
	buf_release(&paths);
}

void routes_answer(struct http_request *request, struct http_reply *reply)
{
	const char *method = strcmp(request->method, "HEAD") ? request->method : "GET";

	reply->status = 200;
	reply->type = "application/json";
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!path_matches(routes[i].path, request))
			continue;
		if (!strcmp(method, routes[i].method)) {
			routes[i].answer(request, reply);
			return;
		}
		reply->allow = strcmp(routes[i].method, "GET") ? routes[i].method : "GET, HEAD";
	}
	if (reply->allow)
		reply_error(reply, 405, "%.20s is not for %.200s, which takes %s", request->method,
			request->path, reply->allow);
	else
		answer_unknown(request, reply);
}
