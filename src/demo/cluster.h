/*
 * A private PostgreSQL for the demo: a cluster with logical decoding, reached through a unix socket that
 * only its owner (and root) can enter, so it takes no port and no password. It is our child and ends with
 * us. PostgreSQL refuses to be root: for root it runs as the user postgres, below /var/lib, since root's own
 * folders are closed to that user.
 */
#ifndef DEMO_CLUSTER_H
#define DEMO_CLUSTER_H

#include "base/attrs.h"
#include "base/error.h"

struct cluster;

/*
 * Starts the cluster that belongs to the folder `dir`, after making it if there is none, with a database
 * called `database`. Call it from a thread that lives as long as the cluster: Linux ties a child to the
 * thread that made it. ERROR_CONFIG: no server programs, no user to run as, the cluster is in use by
 * another process; ERROR_BROKEN: it does not start, with what it said.
 */
MUST_CHECK struct cluster *cluster_start(const char *dir, const char *database, struct error *err);

void cluster_stop(struct cluster *); /* NULL-safe; fast shutdown, and gone when it returns */

const char *cluster_url(const struct cluster *); /* "postgresql://postgres@/shop?host=/..." */
const char *cluster_dir(const struct cluster *); /* where its data is */

#endif
