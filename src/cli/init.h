/* Inside of `tailrace init`: what is known of the databases (cmd_init.c), and writing it down (init_yaml.c). */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include "config/config.h"

struct plan {
	const char
		*stream;  /* also the name of the source's connection and of the target database */
	const char *kind; /* of the source */
	const char *url;  /* of the source; with the password that may be in it */
	const char *
		secret_file; /* holds that URL in place of the configuration; NULL: it holds no password */
	const char *target_url; /* without user and password, or "embedded" */
	const char *target_user, *target_password;
	const char *target_secret_file; /* holds that password; NULL: there is none */
	struct tables tables;           /* as they are in the source; references */
};

void plan_print(const struct plan *, struct buf *out);

#endif
