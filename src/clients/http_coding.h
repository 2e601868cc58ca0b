/* Compressed bodies: a body around a body. */
#ifndef CLIENTS_HTTP_CODING_H
#define CLIENTS_HTTP_CODING_H

#include "clients/http.h"

struct http_coder;
struct http_coder *http_coder_new(
	struct http_body *inner, enum http_coding coding); /* not HTTP_PLAIN */
void http_coder_free(struct http_coder *c);
struct http_body *http_coder_body(struct http_coder *c);
const char *http_coding_name(enum http_coding coding); /* as Content-Encoding has it */

#endif
